import { cleanText, type Failure } from '../job/failure.js';
import type { JobEvent, QueueEvents } from '../observability/events.js';
import type { QueuePolicies, QueuePolicy } from '../options/queue-policy.js';
import type { Run } from '../storage/database.js';
import type { Burial, JobRepository, Return } from '../storage/job.repository.js';
import type { HeldJob } from '../storage/pull.repository.js';
import type { Returned } from './job-queue.js';
import { CANCELLED, type Ending, type Going, type ReturnOutcome } from './return-outcome.js';

/** What became of the job; `runsIn` milliseconds where it runs again. */
interface Settled {
  as: Returned;
  runsIn?: number;
}

/** Settles pulled jobs by the statements that a worker's duties use, in the transaction that has locked their lease. */
export class Settlements {
  constructor(
    private readonly jobs: JobRepository,
    private readonly policies: QueuePolicies,
  ) {}

  async succeed(held: HeldJob, queue: string, output: string | undefined, run: Run): Promise<true | undefined> {
    const { id, epoch, runMs, worker } = held;
    const success = { id, epoch, runMs, output, keepMs: this.policies.of(queue).archiveKeepMs };
    return (await this.jobs.complete(run, worker, success)) || undefined;
  }

  async settle(held: HeldJob, queue: string, outcome: ReturnOutcome, run: Run): Promise<Settled | undefined> {
    if (isEnding(outcome)) return this.bury(held, queue, outcome, run);
    const [answer] = await this.jobs.putBack([returnOf(held, outcome)], run);
    if (!answer) return undefined;
    // Its cancel was requested while it ran: it does not go back, it ends.
    if (!answer.moved) return this.bury(held, queue, CANCELLED, run);
    return { as: outcome.kind, runsIn: outcome.delayMs };
  }

  private async bury(held: HeldJob, queue: string, outcome: Ending, run: Run): Promise<Settled | undefined> {
    const [answer] = await this.jobs.bury(held.worker, [burialOf(held, outcome, this.policies.of(queue))], run);
    return answer && { as: answer.state as Returned };
  }
}

const isEnding = (outcome: ReturnOutcome): outcome is Ending => outcome.kind === 'cancelled' || outcome.kind === 'failed';

function returnOf(held: HeldJob, outcome: Going): Return {
  const retried = outcome.kind === 'retried';
  const told = retried ? { error: outcome.error, entry: entryOf(held, 'retried', outcome.error) } : {};
  const counts = { spent: retried ? 1 : 0, rescheduled: 0, ran: retried } as const;
  return { id: held.id, epoch: held.epoch, change: { delayMs: outcome.delayMs, ...counts, ...told } };
}

function burialOf(held: HeldJob, outcome: Ending, policy: QueuePolicy): Burial {
  const error = outcome.kind === 'cancelled' ? { name: 'Cancelled', message: outcome.reason } : outcome.error;
  const { archiveKeepMs, deadLetterKeepMs, deadHead } = policy;
  const keep = { archiveKeepMs, deadLetterKeepMs, deadHead };
  const spent = outcome.kind === 'failed' ? 1 : 0;
  const verdict = { state: outcome.kind, spent, runMs: held.runMs, ...keep, error, entry: entryOf(held, outcome.kind, error) };
  return { id: held.id, epoch: held.epoch, verdict: verdict as Burial['verdict'] };
}

/** Tells listeners, as a worker does, after the database has acknowledged it. */
export function reportReturn(
  events: QueueEvents,
  event: JobEvent & { runMs: number },
  outcome: ReturnOutcome,
  as: Returned,
): void {
  const error = 'error' in outcome ? outcome.error : NO_ERROR;
  if (as === 'cancelled') events.emit('cancelled', () => ({ ...event, reason: reasonOf(outcome) }));
  else if (as === 'retried') events.emit('retried', () => ({ ...event, error }));
  else if (as === 'failed') events.emit('failed', () => ({ ...event, state: 'failed', error }));
  else events.emit('released', () => ({ ...event, reason: 'declined' }));
}

const NO_ERROR: Failure = { name: 'Error', message: 'nothing was said' };
const reasonOf = (outcome: ReturnOutcome): string => (outcome.kind === 'cancelled' ? outcome.reason : 'cancelled while it ran');

/** One line of the job's history, as a worker writes it. */
function entryOf(held: HeldJob, outcome: string, { name, message }: Failure): object {
  const { worker, runMs } = held;
  return { attempt: held.attempt + 1, outcome, error: { name, message: cleanText(message, 500) }, worker, runMs };
}
