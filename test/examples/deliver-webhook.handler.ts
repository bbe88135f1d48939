import {
  exponential,
  Job,
  JobContext,
  JobResult,
  QueueHandler,
  UnprocessableError,
  type JobHandler,
} from 'nestjs-simple-queue';

@QueueHandler('webhooks', {
  concurrency: 20,
  maxAttempts: 4,
  backoff: exponential({ baseMs: 500, maxMs: 60_000 }),
  timeoutMs: 10_000,
})
export class DeliverWebhook implements JobHandler<{ url: string }, { status: number }> {
  async process(
    job: Job<{ url: string }>,
    { signal }: JobContext,
  ): Promise<JobResult<{ status: number }> | { status: number }> {
    const { status } = await fetch(job.payload.url, { method: 'POST', signal });
    if (status === 410) throw new UnprocessableError(`${job.payload.url} is gone for good.`);
    if (status === 503) return JobResult.rescheduleIn(500);
    if (status >= 400) throw new Error(`${job.payload.url} returned ${status}.`);
    return { status };
  }
}
