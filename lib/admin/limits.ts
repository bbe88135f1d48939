import type { LimitRule, RateLimit } from '../job/limit.js';
import { checkQueueName, quote } from '../job/names.js';
import { inMs, type InMs } from '../job/values/duration.js';
import { QueueError } from '../job/queue.errors.js';
import { limitChange, unknownLimit } from '../options/limit-rules.js';
import { ruleOf, wordsOf, type LimitShares } from '../storage/limits/limit.repository.js';
import type { Storage } from '../storage/storage.js';
import type { Reason } from './reasons.js';

/** What a process, a remote worker's claim or a call has of a limit. */
export interface LimitShare {
  holder: string;
  /** Permits that it has; those of a worker may be idle. */
  permits: number;
  /** What it would have. */
  wanted: number;
  /** False: it was silent for too long; its permits are free when its jobs were put back. */
  live: boolean;
  /** Some of the jobs that it holds. */
  jobs: string[];
}

/** A limit across the fleet, and who shares in it. */
export interface LimitSummary {
  name: string;
  /** It is that of the queue of this name; otherwise handlers and calls use it by name. */
  ofQueue: boolean;
  concurrency?: number;
  rate?: InMs<RateLimit>;
  /** When an operator set it; missing where it was declared. */
  setAt?: Date;
  /** Permits that are given out. */
  allotted: number;
  /** Somebody said to slow down: until then nothing starts. */
  restsUntil?: Date;
  shares: LimitShare[];
}

/** What `setLimit` changes; `null` takes a part away, and what is left out stays. */
export interface LimitChange {
  /** Of a queue. */
  fleetConcurrency?: number | null;
  /** Of a named limit. */
  concurrency?: number | null;
  rate?: RateLimit | null;
}

/** Limits across the fleet, as operators see and set them. */
export class Limits {
  constructor(private readonly storage: Storage) {}

  async list(): Promise<LimitSummary[]> {
    return (await this.storage.limits.shares({})).map(summaryOf);
  }

  async set(name: string, said: LimitChange): Promise<void> {
    const change = inMs(said);
    const problems = limitChange(change, '');
    if (problems.length > 0) throw invalid(problems.join('; '));
    const [row] = await this.storage.limits.list([checkQueueName(name)]);
    const ofQueue = row?.ofQueue ?? true;
    const rule = given(partsOf(name, ofQueue, change), row ? ruleOf(row) : {});
    if (!(await this.storage.limits.set({ ...rule, name, ofQueue }))) throw unknown(name);
    this.storage.signals.tellOfLimit(name);
  }

  async reset(name: string): Promise<void> {
    if (!(await this.storage.limits.reset(checkQueueName(name)))) throw unknown(name);
    this.storage.signals.tellOfLimit(name);
  }

  /** What of the limits keeps a job that is ready from its start. */
  async reasons(job: string): Promise<Reason[]> {
    return (await this.storage.limits.shares({ job })).flatMap(reasonsOf);
  }
}

interface Parts {
  concurrency: number | null | undefined;
  rate: InMs<RateLimit> | null | undefined;
}

/** A queue's is called otherwise, since its `concurrency` is that of a process. */
function partsOf(name: string, ofQueue: boolean, change: InMs<LimitChange>): Parts {
  const { fleetConcurrency, concurrency, rate } = change;
  if (ofQueue && concurrency !== undefined)
    throw invalid(`"${name}" is a queue: give fleetConcurrency, not concurrency`);
  if (!ofQueue && fleetConcurrency !== undefined)
    throw invalid(`"${name}" is a named limit: give concurrency, not fleetConcurrency`);
  return { concurrency: ofQueue ? fleetConcurrency : concurrency, rate };
}

function given(change: Parts, before: InMs<LimitRule>): InMs<LimitRule> {
  const concurrency = change.concurrency === undefined ? before.concurrency : change.concurrency;
  const rate = change.rate === undefined ? before.rate : change.rate;
  return { ...(concurrency ? { concurrency } : {}), ...(rate ? { rate } : {}) };
}

function summaryOf(row: LimitShares): LimitSummary {
  const { name, ofQueue, allotted, heldMs, setAt, shares } = row;
  return {
    name,
    ofQueue,
    ...ruleOf(row),
    ...(setAt ? { setAt } : {}),
    allotted,
    ...(heldMs > 0 ? { restsUntil: new Date(Date.now() + heldMs) } : {}),
    shares: shares.map(({ n, holder, wanted, live, jobs }) => ({ holder, permits: n, wanted, live, jobs })), // prettier-ignore
  };
}

function reasonsOf(row: LimitShares): Reason[] {
  const { name, concurrency, allotted, heldMs, rateMs, rate } = row;
  const in_ = (ms: number): string => new Date(Date.now() + ms).toISOString();
  const reasons: Reason[] = [];
  if (heldMs > 0)
    reasons.push({ code: 'LIMIT_RESTS', text: `Limit "${name}" rests until ${in_(heldMs)}, since a handler was told to slow down.` }); // prettier-ignore
  if (rate !== null && rateMs > 0)
    reasons.push({ code: 'RATE_LIMITED', text: `The rate of limit "${name}" (${wordsOf(row)}) lets the next job start at ${in_(rateMs)} at the earliest.` }); // prettier-ignore
  if (concurrency !== null && allotted >= concurrency)
    reasons.push({ code: 'LIMIT_FULL', text: `All ${concurrency} permits of limit "${name}" are given out: ${holders(row)}.` }); // prettier-ignore
  return reasons;
}

function holders({ shares }: LimitShares): string {
  const holding = shares.filter(({ n }) => n > 0);
  const words = holding.slice(0, 5).map(({ holder, n, jobs, live }) => {
    const silent = live ? '' : ', silent';
    return `${holder} has ${n}${silent}${jobs.length > 0 ? ` (jobs ${jobs.join(', ')})` : ''}`;
  });
  return words.join('; ') + (holding.length > 5 ? `; and ${holding.length - 5} more` : '');
}

const invalid = (problem: string): QueueError =>
  new QueueError('INVALID_OPTION', `setLimit: ${problem}.`);

const unknown = (name: string): QueueError =>
  unknownLimit(`${quote(name)} is no queue either`, name, []);
