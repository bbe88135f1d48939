import type { Duration, InMs } from './values/duration.js';

/** How many starts a time allows. */
export interface RateLimit {
  /** Starts in `perMs`. */
  limit: number;
  perMs: Duration;
  /** Starts at once after a rest, default `limit`. Not with `strict`. */
  burst?: number;
  /** `true`: no window of `perMs` ever sees more than `limit` starts; they are spaced evenly, some 9 % wider than the rate alone asks for. */
  strict?: boolean;
}

/** What a limit says. One of the two at least. */
export interface LimitRule {
  /** Jobs (and calls within it) at once, over all processes. */
  concurrency?: number;
  rate?: RateLimit;
}

/** The same for a queue, whose `concurrency` is that of a process. */
export interface QueueLimitRule {
  /** Jobs of the queue at once, over all processes. */
  fleetConcurrency?: number;
  rate?: RateLimit;
}

/** Where a job's key is: a member of its payload or a path to one (`tenant.id`), or a function of the payload. */
export type KeyOf = string | ((payload: never) => unknown);

/** A limit for each key of a queue. `concurrency`, `rate` or both. */
export interface PerKeyRule {
  /** Read when the job is enqueued. A job without a key is not limited. */
  by: KeyOf;
  /** Jobs of one key at once, over all processes, 1 to 10,000. */
  concurrency?: number;
  /** Starts of one key in a time. Not `strict`. */
  rate?: Omit<RateLimit, 'strict'>;
}

/** The name under which the limit per key of a queue is declared. */
export const perKeyName = (queue: string): string => `${queue}/*`;

/** The queue of such a name; undefined: it is another limit's. */
export const queueOfKeys = (name: string): string | undefined =>
  name.endsWith('/*') ? name.slice(0, -2) : undefined;

/** A declared limit, by the name that processes share. */
export interface DeclaredLimit extends InMs<LimitRule> {
  name: string;
  /** It is that of the queue of this name; otherwise handlers and calls name it. */
  ofQueue: boolean;
  /** Of a limit per key: where processes read the key, in words. Two that read it elsewhere would count one tenant under two keys. */
  by?: string;
}

/** Starts are drawn this long ahead: one statement for many of them. */
export const DRAWN_AHEAD_MS = 500;

const MIN_SLACK_MS = 50;
const MAX_SLACK_MS = 500;
const STRICT_SHARE = 0.1;

/** A start of a strict rate may be this late: the spacing has room for it. */
function slackOf({ perMs, strict }: Pick<InMs<RateLimit>, 'perMs' | 'strict'>): number {
  return strict ? Math.min(MAX_SLACK_MS, Math.max(MIN_SLACK_MS, perMs * STRICT_SHARE)) : 0;
}

const LATE_MS = 100;
const LATEST_MS = 2_000;

/** A start may come this late; without `strict` as late as the next one, or no window would hold more than `burst` and what refills. */
export const latenessOf = (rate: Pick<InMs<RateLimit>, 'limit' | 'perMs' | 'strict'>): number =>
  slackOf(rate) || Math.max(LATE_MS, Math.min(rate.perMs / rate.limit, LATEST_MS));

/** The spacing of starts, and how many may come at once. */
export function paceOf(rate: InMs<RateLimit>): { stepMs: number; burst: number } {
  const { limit, perMs, burst = limit, strict = false } = rate;
  return { stepMs: (perMs + slackOf(rate)) / limit, burst: strict ? 1 : burst };
}

/** What a process declares of a limit. */
type Said = InMs<LimitRule> & Pick<DeclaredLimit, 'by'>;

/** Of such a text: where the key is. */
export const byOf = (rule: string): string | undefined => (JSON.parse(rule) as Said).by;

/** One text for equal rules, whatever the order of their keys. */
export function ruleText({ concurrency, rate, by }: Said): string {
  const { limit, perMs, burst, strict } = rate ?? {};
  return JSON.stringify({
    by,
    concurrency,
    rate: rate && { limit, perMs, ...(strict ? { strict } : { burst: burst ?? limit }) },
  });
}

/** In words, for messages and lists. */
export function ruleWords({ concurrency, rate, by }: Said): string {
  const parts = concurrency === undefined ? [] : [`${concurrency} at once`];
  if (rate) {
    const { limit, perMs, burst = limit, strict } = rate;
    const how = strict
      ? ' in any window'
      : burst === limit
        ? ''
        : `, ${burst} at once after a rest`;
    parts.push(`${limit} starts in ${perMs} ms${how}`);
  }
  if (by !== undefined) parts.push(`the key by ${by}`);
  return parts.join(', ') || 'nothing';
}
