import { clearInterval, setInterval } from 'node:timers';
import { QueueError } from 'nestjs-simple-queue';
import { JobQueue, type PulledJob } from 'nestjs-simple-queue/pull';

const LEASE_MS = 30_000;

// #region agent
/** Works one job, if there is one. In the same way a worker in another language does it over HTTP. */
export async function workOne(
  queue: JobQueue,
  build: (job: PulledJob, signal: AbortSignal) => Promise<object>,
): Promise<boolean> {
  const { leaseId, jobs } = await queue.claim({
    workerId: `agent:${process.pid}`,
    queues: ['builds'],
    labels: ['linux', 'docker'],
    leaseMs: LEASE_MS,
  });
  for (const job of jobs) {
    const stop = new AbortController();
    const renewal = setInterval(() => void renew(queue, leaseId, stop), LEASE_MS / 3);
    try {
      await queue.complete(leaseId, job.id, await build(job, stop.signal));
    } catch (error) {
      await giveUp(queue, leaseId, job, error);
    } finally {
      clearInterval(renewal);
    }
  }
  return jobs.length > 0;
}

/** Lost: somebody else has the job. Cancelled: nobody wants it any more. Both mean: stop. */
export async function renew(
  queue: JobQueue,
  leaseId: string,
  stop: AbortController,
): Promise<void> {
  try {
    const { lost, cancelled } = await queue.renewLease(leaseId, LEASE_MS);
    if (lost.length + cancelled.length > 0) stop.abort();
  } catch (error) {
    if (error instanceof QueueError && error.code === 'LEASE_LOST') stop.abort();
    // Else away for a moment: the next renewal comes before the lease lapses.
  }
}

async function giveUp(
  queue: JobQueue,
  leaseId: string,
  job: PulledJob,
  error: unknown,
): Promise<void> {
  if (error instanceof QueueError && error.code === 'LEASE_LOST') return;
  // Repeating does not help what cannot be built.
  await queue.fail(leaseId, job.id, error, { retryable: !(error instanceof SyntaxError) });
}
// #endregion
