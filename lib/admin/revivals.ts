import {
  DEAD_STATES,
  FAILED_STATES,
  isTerminal,
  LOST,
  TERMINAL_STATES,
  type TerminalState,
} from '../job/job-state.js';
import { QueueError } from '../job/queue.errors.js';
import type { StepOfJob } from '../storage/workflows/workflow-reading.repository.js';
import { wakeUpFor } from '../storage/wake-ups/wake-up.js';
import {
  checkFilter,
  checkRedrive,
  type JobFilter,
  type RedriveCounts,
  type RedriveOptions,
} from './job-filter.js';
import type { OnMany } from './on-many.js';
import { ofNoLane } from './reasons.js';
import type { ListedJob } from './listed-job.js';
import { command, type Called } from '../runtime/words.js';

/**
 * `revived`: it had ended and is live again. `promoted`: it waited for its time and is ready now. `restored`: it was in no place, and is
 * again where it belongs. `ready`: it was ready already, so nothing was done.
 */
export interface Retried {
  id: string;
  outcome: 'revived' | 'promoted' | 'restored' | 'ready';
}

/** Jobs of one statement: each may wait for an enqueue that holds its unique key. */
const BATCH = 200;
/** A job may move between two looks, again and again in theory. */
const MAX_LOOKS = 5;

/** Runs ended jobs again. */
export class Revivals {
  constructor(private readonly parts: OnMany) {}

  retry(id: string): Promise<Retried> {
    return this.parts.acts.act('retry', { id }, () => this.retryKnown(id));
  }

  private async retryKnown(id: string): Promise<Retried> {
    const step = await this.parts.storage.workflows.reading.stepOf(id);
    for (let look = 0; look < MAX_LOOKS; look++) {
      const outcome =
        (step ? undefined : await this.revive(id)) ??
        (await this.promoteNow(id)) ??
        (await this.explainRefusal(id, step));
      if (outcome) return { id, outcome };
    }
    const message = `retry: job ${id} changed its state ${MAX_LOOKS} times meanwhile. Ask again.`;
    throw new QueueError('TRANSACTION_CONFLICT', message);
  }

  async redrive(filter: JobFilter, options: RedriveOptions): Promise<RedriveCounts> {
    checkRedrive(filter, options);
    const work = () => this.redriveChecked(filter, options);
    return this.parts.acts.onMany('redrive', filter, options, work);
  }

  private async redriveChecked(filter: JobFilter, options: RedriveOptions): Promise<RedriveCounts> {
    // What nobody committed is in no group of errors.
    const meant = filter.errorKey === undefined ? FAILED_STATES : DEAD_STATES;
    const { states = meant, ...rest } = checkFilter('redrive', filter);
    const { limit = Infinity, dryRun = false } = options;
    const counts: RedriveCounts = { revived: 0, keyTaken: 0, gone: 0 };
    const act = dryRun
      ? this.rehearsal()
      : (jobs: ListedJob[]) => this.reviveMany(jobs, states.filter(isTerminal));
    const room = () => Math.min(BATCH, limit - counts.revived);
    for await (const found of this.parts.list.batches({ ...rest, states }, room)) {
      if (options.signal?.aborted) break;
      const jobs = await this.withoutSteps(found, counts);
      const { revived, keyTaken } = await act(jobs);
      counts.revived += revived;
      counts.keyTaken += keyTaken;
      counts.gone += jobs.length - revived - keyTaken;
      await options.onBatch?.({ ...counts });
    }
    return counts;
  }

  /** An ended step is run again by its workflow alone, with all that follows from it. */
  private async withoutSteps(jobs: ListedJob[], counts: RedriveCounts): Promise<ListedJob[]> {
    const ended = jobs.filter((job) => job.workflowId !== undefined && isTerminal(job.state));
    const steps = await this.parts.storage.workflows.reading.stepsAmong(ended.map((job) => job.id));
    if (steps.size > 0) counts.steps = (counts.steps ?? 0) + steps.size;
    return jobs.filter((job) => !steps.has(job.id));
  }

  private async revive(id: string): Promise<'revived' | undefined> {
    const [row] = await this.parts.storage.revivals.revive([id], TERMINAL_STATES);
    if (!row) return undefined;
    if (!row.revived) throw keyTaken(id, row.uniqueKey);
    this.parts.storage.signals.send(wakeUpFor([row]));
    return 'revived';
  }

  private async promoteNow(id: string): Promise<'promoted' | undefined> {
    const [row] = await this.parts.storage.revivals.promoteNow([id]);
    if (!row) return undefined;
    this.parts.storage.signals.send(wakeUpFor([row]));
    return 'promoted';
  }

  private refuseStep(id: string, state: string, found: StepOfJob | undefined): void {
    if (!found || !TERMINAL_STATES.some((terminal) => terminal === state)) return;
    const { step, workflow } = found;
    throw new QueueError(
      'JOB_IS_STEP',
      `retry: job ${id} has ended as step "${step}" of workflow ${workflow}, which it cannot join again by itself. Retry the workflow: \`${command(['workflows', 'retry', workflow], this.parts.options)}\`.`,
    );
  }

  private async refuseLaneless(id: string): Promise<void> {
    const { storage, options } = this.parts;
    const lane = await storage.queues.laneless(id);
    if (lane) throw new QueueError('JOB_HELD', `retry: job ${id}: ${ofNoLane(lane, options).text}`);
  }

  /** Undefined: it has moved to where it can be retried, so look again. */
  private async explainRefusal(
    id: string,
    step: StepOfJob | undefined,
  ): Promise<'ready' | 'restored' | undefined> {
    const { storage, options } = this.parts;
    const state = (await storage.jobs.find(id))?.state;
    if (state === undefined) throw unknown(id);
    this.refuseStep(id, state, step);
    if (state === LOST) return (await this.restore([id])) === 1 ? 'restored' : undefined;
    if (state === 'running') throw running(id);
    if (state === 'staged') throw held(id, state, options);
    if (state === 'blocked')
      throw held(id, (await storage.keys.explain(id, 1)) ? 'keyed' : state, options);
    await this.refuseLaneless(id);
    return state === 'ready' ? 'ready' : undefined;
  }

  /** How many stand where they belong now. */
  private async restore(ids: string[]): Promise<number> {
    if (ids.length === 0) return 0;
    const rows = await this.parts.storage.revivals.restore(ids);
    if (rows.length > 0) this.parts.storage.signals.send(wakeUpFor(rows));
    return rows.length;
  }

  private async reviveMany(
    jobs: ListedJob[],
    states: readonly TerminalState[],
  ): Promise<Omit<RedriveCounts, 'gone'>> {
    const idsOf = (some: ListedJob[]): string[] => some.map((job) => job.id);
    const restored = await this.restore(idsOf(jobs.filter((job) => job.state === LOST)));
    const ended = idsOf(jobs.filter((job) => isTerminal(job.state)));
    const rows = ended.length > 0 ? await this.parts.storage.revivals.revive(ended, states) : [];
    const revived = rows.filter((row) => row.revived);
    if (revived.length > 0) this.parts.storage.signals.send(wakeUpFor(revived));
    return { revived: restored + revived.length, keyTaken: rows.length - revived.length };
  }

  /** What `reviveMany` would answer: of several with one key the first would come in. */
  private rehearsal(): (jobs: ListedJob[]) => Promise<Omit<RedriveCounts, 'gone'>> {
    const taken = new Set<string>();
    return async (jobs) => {
      const keyed = jobs.filter((job) => job.uniqueKey !== undefined && job.state !== LOST);
      const keys = keyed.map((job) => ({ queue: job.queue, uniqueKey: job.uniqueKey! }));
      const live =
        keyed.length > 0 ? await this.parts.storage.revivals.liveKeys(keys) : new Set<number>();
      let keyTaken = 0;
      keys.forEach((key, position) => {
        const known = `${key.queue}\n${key.uniqueKey}`;
        if (live.has(position) || taken.has(known)) keyTaken++;
        taken.add(known);
      });
      return { revived: jobs.length - keyTaken, keyTaken };
    };
  }
}

function keyTaken(id: string, uniqueKey: string | null): QueueError {
  const message = `retry: another job with the unique key "${uniqueKey}" of job ${id} is live. Wait until it has ended, or cancel it.`;
  return new QueueError('UNIQUE_KEY_TAKEN', message);
}

export function unknown(id: string): QueueError {
  const message = `There is no job ${id}: it never was, its transaction did not commit, or its retention is over.`;
  return new QueueError('JOB_UNKNOWN', message);
}

const HELD: Readonly<
  Record<'staged' | 'keyed' | 'blocked', readonly [string, (called: Called) => string]>
> = {
  staged: [
    'its commit, or for the jobs that it depends on (see explain)',
    () => 'Commit it, or abort it',
  ],
  keyed: [
    'a permit of its key',
    () => 'explain(id) says who has them, setLimit(queue, { perKey }) gives the key more room',
  ],
  blocked: [
    'its turn in its ordered group',
    (called) =>
      `explain(id) says what it waits for, blockedGroups() (\`${command(['groups'], called)}\`) what a failed job blocks`,
  ],
};

function held(id: string, state: keyof typeof HELD, called: Called): QueueError {
  const [waitsFor, hint] = HELD[state];
  return new QueueError('JOB_HELD', `retry: job ${id} waits for ${waitsFor}. ${hint(called)}.`);
}

function running(id: string): QueueError {
  return new QueueError(
    'JOB_RUNNING',
    `retry: job ${id} is running. Wait until it has ended, or cancel it first.`,
  );
}
