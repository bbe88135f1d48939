import { perKeyName, queueOfKeys, type LimitRule, type RateLimit } from '../job/limit.js';
import { quote } from '../job/names.js';
import { inMs, type InMs } from '../job/values/duration.js';
import { QueueError } from '../job/queue.errors.js';
import { limitChange, unknownLimit } from '../options/limit-rules.js';
import { isUndeclared, ruleOf, wordsOf } from '../storage/limits/limit-words.js';
import type { LimitShares } from '../storage/limits/limit.repository.js';
import type { Storage } from '../storage/storage.js';
import type { KeySituation } from '../storage/limits/key.repository.js';
import type { Audit } from './audit.js';
import { shape, yesOrNo, type Rule } from '../runtime/rules.js';
import { command, counted, listed, type Called } from '../runtime/words.js';
import { refuse } from './checks.js';
import { MOST_AHEAD, type Reason } from './reasons.js';

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
  /** It holds for each key of the queue, and no process has a share of it. */
  perKey?: true;
  /** It is that of the queue of this name; otherwise handlers and calls use it by name. */
  ofQueue: boolean;
  concurrency?: number;
  rate?: InMs<RateLimit>;
  /** When an operator set it; missing where it was declared. */
  setAt?: Date;
  /** No live worker declares it: `removeLimit` takes it away where no other process does either. */
  undeclared?: true;
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
  /** Of a queue that declares one: its limit per key. */
  perKey?: { concurrency?: number | null; rate?: RateLimit | null };
}

/** What `resetLimit` gives back, or `removeLimit` takes away. */
export interface LimitPart {
  /** `true`: only the limit per key; `false`: only that of the whole queue. Default: both. */
  perKey?: boolean;
  /** Of `resetLimit`. `true`: only the rest ends that a handler was told to take; what an operator has set stays. */
  rest?: boolean;
}

const PART = { perKey: yesOrNo };
const RESET = shape({ ...PART, rest: yesOrNo } satisfies Record<keyof LimitPart, Rule>);
const REMOVE = shape(PART);

/** Limits across the fleet, as operators see and set them. */
export class Limits {
  constructor(
    private readonly storage: Storage,
    private readonly acts: Audit,
  ) {}

  async list(): Promise<LimitSummary[]> {
    return (await this.storage.limits.shares({})).map(summaryOf);
  }

  async set(name: string, said: LimitChange): Promise<void> {
    const change = inMs(said);
    const problems = limitChange(change, '');
    if (problems.length > 0) throw invalid(problems.join('; '));
    await this.acts.act('set-limit', { name, change }, () => this.setChecked(name, change));
  }

  private async setChecked(name: string, { perKey, ...whole }: InMs<LimitChange>): Promise<void> {
    if (Object.values(whole).some((part) => part !== undefined)) await this.setOne(name, whole);
    if (!perKey) return;
    const { concurrency, rate } = perKey;
    await this.setOne(perKeyName(name), { fleetConcurrency: concurrency, rate });
    await this.storage.keys.askAll();
    this.storage.signals.send({ lanes: [], keyed: true });
  }

  private async setOne(name: string, change: InMs<LimitChange>): Promise<void> {
    const [row] = await this.storage.limits.list([name]);
    const ofQueue = row?.ofQueue ?? true;
    if (!row && change.concurrency !== undefined) await this.refuseUnknown(name);
    const rule = given(partsOf(name, ofQueue, change), row ? ruleOf(row) : {});
    if (!(await this.storage.limits.set({ ...rule, name, ofQueue })))
      throw unknown(name, await this.known());
    this.storage.signals.tellOfLimit(name, { isRule: true });
  }

  /** A name that is neither a limit's nor a queue's: the rest of what was said does not matter. */
  private async refuseUnknown(name: string): Promise<void> {
    const known = await this.known();
    if (!known.includes(name)) throw unknown(name, known);
  }

  /** What can be limited: for a hint. */
  private async known(): Promise<string[]> {
    const { limits, lanes } = this.storage;
    const [rows, queues] = await Promise.all([limits.list(), lanes.queueNames()]);
    return [...rows.map((row) => row.name), ...queues];
  }

  async reset(name: string, only: LimitPart): Promise<void> {
    refuse('resetLimit', RESET(only, 'options'));
    await this.acts.act('reset-limit', { name, ...only }, () => this.resetParts(name, only));
  }

  private async resetParts(name: string, { rest = false, ...only }: LimitPart): Promise<void> {
    const names = partNames(name, only);
    const known = await Promise.all(names.map((each) => this.storage.limits.reset(each, rest)));
    await this.tell(name, names, known.includes(true));
  }

  async remove(name: string, only: LimitPart): Promise<void> {
    refuse('removeLimit', REMOVE(only, 'options'));
    await this.acts.act('remove-limit', { name, ...only }, () => this.removeParts(name, only));
  }

  private async removeParts(name: string, only: LimitPart): Promise<void> {
    const rows = await this.storage.limits.remove(partNames(name, only));
    const used = rows.find(({ users }) => users.length > 0);
    if (used) throw inUse(used, this.storage.database.called);
    await this.storage.keys.askAll();
    await this.tell(
      name,
      rows.map((row) => row.name),
      rows.length > 0,
    );
  }

  /** @throws QueueError `LIMIT_UNKNOWN` */
  private async tell(name: string, names: readonly string[], isKnown: boolean): Promise<void> {
    if (!isKnown) throw unknown(name, await this.known());
    for (const each of names) this.storage.signals.tellOfLimit(each, { isRule: true });
    this.storage.signals.send({ lanes: [], keyed: true });
  }

  /** What of the limits keeps a job that is ready from its start. */
  async reasons(job: string): Promise<Reason[]> {
    return (await this.storage.limits.shares({ job })).flatMap(reasonsOf);
  }
}

const partNames = (name: string, { perKey }: LimitPart): string[] => [
  ...(perKey === true ? [] : [name]),
  ...(perKey === false ? [] : [perKeyName(name)]),
];

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
    name: queueOfKeys(name) ?? name,
    ...(queueOfKeys(name) === undefined ? {} : { perKey: true as const }),
    ofQueue,
    ...ruleOf(row),
    ...(setAt ? { setAt } : {}),
    ...(isUndeclared(row) ? { undeclared: true as const } : {}),
    allotted,
    ...(heldMs > 0 ? { restsUntil: timeIn(heldMs, row) } : {}),
    shares: (queueOfKeys(name) === undefined ? shares : []).map(({ n, holder, wanted, live, jobs }) => ({ holder, permits: n, wanted, live, jobs })), // prettier-ignore
  };
}

function reasonsOf(row: LimitShares): Reason[] {
  const { name, concurrency, allotted, heldMs, rateMs, rate } = row;
  const reasons: Reason[] = [];
  if (heldMs > 0)
    reasons.push({ code: 'LIMIT_RESTS', text: `Limit "${name}" rests until ${timeIn(heldMs, row).toISOString()}, since a handler was told to slow down.` }); // prettier-ignore
  if (rate !== null && rateMs > 0)
    reasons.push({ code: 'RATE_LIMITED', text: `The rate of limit "${name}" (${wordsOf(row)}) lets the next job start at ${timeIn(rateMs, row).toISOString()} at the earliest.` }); // prettier-ignore
  if (concurrency !== null && allotted >= concurrency)
    reasons.push({ code: 'LIMIT_FULL', text: `All ${concurrency} permits of limit "${name}" are given out: ${holders(row)}.` }); // prettier-ignore
  return reasons;
}

/** The same without the key, which is a part of the payload. */
export function withoutKey(text: string, queue: string): string {
  const at = text.lastIndexOf(` of queue "${queue}"`);
  return text.startsWith('Key "') && at > 0 ? `Its key${text.slice(at)}` : text;
}

/** What keeps a job from a permit of its key. */
export function keyReasons(at: KeySituation): Reason[] {
  const { key, queue, concurrency, held, rateMs, ahead } = at;
  const whose = `Key ${quote(key)} of queue "${queue}"`;
  const reasons: Reason[] = [];
  if (rateMs > 0)
    reasons.push({ code: 'RATE_LIMITED', text: `${whose} may start ${at.rate} jobs in ${at.perMs} ms, the next one at ${timeIn(rateMs, at).toISOString()} at the earliest.` }); // prettier-ignore
  if (concurrency !== null && held >= concurrency)
    reasons.push({ code: 'KEY_FULL', text: `${whose} may run ${counted(concurrency, 'job')} at once. Its permits are held by: ${at.holders.join(', ')}.` }); // prettier-ignore
  const line = ahead > 0 ? `${ahead > MOST_AHEAD ? `more than ${MOST_AHEAD}` : ahead} of them come before it` : 'it is the first of them'; // prettier-ignore
  return [
    ...reasons,
    { code: 'BLOCKED', text: `Jobs of this key wait for a permit, and ${line}.` },
  ];
}

function holders({ shares }: LimitShares): string {
  const holding = shares.filter(({ n }) => n > 0);
  const words = holding.slice(0, 5).map(({ holder, n, jobs, live }) => {
    const silent = live ? '' : ', silent';
    return `${holder} has ${n}${silent}${jobs.length > 0 ? ` (jobs ${jobs.join(', ')})` : ''}`;
  });
  return words.join('; ') + (holding.length > 5 ? `; and ${holding.length - 5} more` : '');
}

/** By the clock of the database, whatever that of this machine says. */
const timeIn = (ms: number, { seenAt }: { seenAt: Date }): Date => new Date(seenAt.getTime() + ms);

const invalid = (problem: string): QueueError =>
  new QueueError('INVALID_OPTION', `setLimit: ${problem}.`);

function inUse({ name, users }: { name: string; users: string[] }, called: Called): QueueError {
  return new QueueError(
    'LIMIT_IN_USE',
    `Limit ${quote(name)} cannot be removed while processes that live declare it, or calls are within it: ${listed(users)}. Take it out of forRoot() and deploy, or set it: \`${command(['limits', 'set', name], called)}\`.`,
  );
}

function unknown(name: string, known: readonly string[]): QueueError {
  const queue = queueOfKeys(name);
  if (known.includes(name))
    return new QueueError('LIMIT_UNKNOWN', `Queue ${quote(name)} has no such limit.`);
  if (queue === undefined) return unknownLimit(`${quote(name)} is no queue either`, name, known);
  return new QueueError(
    'LIMIT_UNKNOWN',
    `Queue ${quote(queue)} declares no limit per key, so none can be set. Declare it in forRoot({ queues: { ... } }), with perKey.`,
  );
}
