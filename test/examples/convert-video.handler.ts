import { Job, JobResult, Permit, QueueHandler, type JobHandler } from 'nestjs-simple-queue';

/** One licence allows two conversions at once on this machine, whatever the queue allows. */
let licences = 2;

@QueueHandler('videos', { concurrency: 10 })
export class ConvertVideo implements JobHandler<{ file: string }> {
  acquire(): Permit | JobResult<unknown> {
    if (licences === 0) return JobResult.retryIn(200);
    licences--;
    return new Permit(() => licences++);
  }

  async process(job: Job<{ file: string }>): Promise<{ converted: string }> {
    return { converted: `${job.payload.file}.webm` };
  }
}
