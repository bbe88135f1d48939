import { constant, JobResult, type SimpleQueueOptions } from 'nestjs-simple-queue';
import type { Job } from '../../lib/job/job.js';

/** What bounds the jobs of a queue, and of its other forms: in all forms together where the limit has a name, of each form where it is a queue's. */
export interface Kind {
  queue: string;
  most: number;
  /** One of them is told of a job that waits. */
  reasons: string[];
  rule: object;
  uses?: string[];
  /** Jobs of a key are counted, not calls. */
  ofKey?: true;
}

const RATE = { limit: 50, perMs: 500, strict: true };
const KEYED = { by: 'key', concurrency: 3, rate: { limit: 1_000, perMs: 1_000 } };
export const KINDS: readonly Kind[] = [
  { queue: 'fleet', most: 2, reasons: ['LIMIT_FULL'], rule: { fleetConcurrency: 2 } },
  { queue: 'named', most: 2, reasons: ['LIMIT_FULL'], rule: {}, uses: ['api'] },
  { queue: 'keyed', most: 2, reasons: ['KEY_FULL'], rule: { perKey: { by: 'key', concurrency: 2 } }, ofKey: true }, // prettier-ignore
  { queue: 'all', most: 1, reasons: ['LIMIT_FULL', 'KEY_FULL'], rule: { fleetConcurrency: 2, perKey: KEYED }, uses: ['line', 'line'] }, // prettier-ignore
  { queue: 'paced', most: 2, reasons: ['LIMIT_FULL', 'RATE_LIMITED'], rule: { fleetConcurrency: 2, rate: RATE } }, // prettier-ignore
];
export const FORMS = {
  '': {},
  '-batch': { batch: { size: 3 } },
  '-tx': { transactional: true },
  '-fair': {},
};
export type Form = keyof typeof FORMS;
export const ALL_FORMS = Object.keys(FORMS) as Form[];

export const OPTIONS: SimpleQueueOptions = {
  concurrency: 60,
  limits: { api: { concurrency: 2 }, line: { concurrency: 1 } },
  backoff: constant({ delayMs: 1 }),
  queues: Object.fromEntries(
    KINDS.flatMap(({ queue, rule }) =>
      ALL_FORMS.map((form) => [queue + form, { ...rule, fair: form === '-fair' }]),
    ),
  ),
};

type Does = 'fail' | 'reschedule' | 'slowDown' | 'end';
export type Work = Job<{ key: string; does?: Does }>;

export const unitOf = ({ queue, uses, ofKey }: Kind, form: Form): string =>
  uses?.[0] ?? queue + form + (ofKey ? ' k' : '');

/** What runs at once in all processes, by what the limits count. */
export class Meter {
  readonly now = new Map<string, number>();
  readonly most = new Map<string, number>();
  private readonly done = new Set<string>();

  count(what: string, by: number): void {
    const now = (this.now.get(what) ?? 0) + by;
    this.now.set(what, now);
    this.most.set(what, Math.max(this.most.get(what) ?? 0, now));
  }

  /** What a job does in its first run; undefined: it waits. */
  resultOf({ id, payload: { does } }: Work): unknown {
    if (!does || this.done.has(id)) return undefined;
    this.done.add(id);
    if (does === 'end') return JobResult.unprocessable('ended');
    if (does === 'slowDown') return JobResult.retryIn(5, { slowDown: true });
    return does === 'fail' ? JobResult.fail('once') : JobResult.rescheduleIn(1);
  }
}
