import { types } from 'node:util';
import type { JobChanges } from '../job/enqueue-options.js';
import { MAX_DELAY_MS } from '../job/backoff.js';
import { LAST_DATE } from '../job/job-result.js';
import { payloadText, tooLarge } from '../job/values/payload.js';
import { QueueError } from '../job/queue.errors.js';
import { inMs, msOf } from '../job/values/duration.js';
import { must, shape, whole, type Rule } from '../runtime/rules.js';
import { duration } from './handler-rules.js';
import { limitKeyOf } from './limit-key.js';
import type { ResolvedOptions } from './simple-queue.options.js';

/** Changes without mistakes, as they are stored; undefined: left as it is. */
export interface CheckedChanges {
  at: Date | undefined;
  delayMs: number | undefined;
  priority: number | undefined;
  payload: string | undefined;
  payloadBytes: Buffer | undefined;
  /** The key of the new payload in a queue: null where it has none, undefined where the queue has no limit per key here. undefined: no queue has one. */
  keyIn?: ((queue: string) => string | null | undefined) | undefined;
}

const MOST_MS = 100 * MAX_DELAY_MS;

const RULES = {
  runAt: must(
    (value) => types.isDate(value) && value.getTime() <= LAST_DATE,
    'a valid Date before the year 10000',
  ),
  delayMs: duration(0, MOST_MS),
  priority: whole(-32_768, 32_767),
  payload: () => [],
  payloadBytes: must((value) => types.isUint8Array(value), 'a Uint8Array or Buffer'),
} satisfies Record<keyof JobChanges, Rule>;

const CHANGES = shape(RULES);

type ChangeRules = Pick<ResolvedOptions, 'maxPayloadBytes'> &
  Partial<Pick<ResolvedOptions, 'queues'>>;

/** @throws QueueError `INVALID_OPTION`, `INVALID_PAYLOAD`, `PAYLOAD_TOO_LARGE`. */
export function checkChanges(
  changes: JobChanges,
  { maxPayloadBytes, queues = new Map() }: ChangeRules,
): CheckedChanges {
  const problems = CHANGES(inMs(changes, 1), 'changes');
  if (problems.length === 0) problems.push(...contradictions(changes));
  if (problems.length > 0)
    throw new QueueError('INVALID_OPTION', `change: ${problems.join('; ')}.`);
  const { runAt, delayMs, priority, payload, payloadBytes } = changes;
  if (payloadBytes && payloadBytes.byteLength > maxPayloadBytes)
    throw tooLarge(payloadBytes.byteLength, maxPayloadBytes);
  return {
    // A year before 1 is written "BC"; what is long past is due now either way.
    at: runAt && new Date(Math.max(0, runAt.getTime())),
    delayMs: delayMs === undefined ? undefined : msOf(delayMs),
    priority,
    payloadBytes: payloadBytes && Buffer.from(payloadBytes),
    ...payloadOf(payload, { maxPayloadBytes, queues }),
  };
}

function contradictions(changes: JobChanges): string[] {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  if (given.length === 0)
    return [`nothing is changed: give one of ${Object.keys(RULES).join(', ')}`];
  return changes.runAt && changes.delayMs !== undefined
    ? ['runAt and delayMs cannot be given together: one of them says when']
    : [];
}

function payloadOf(
  payload: unknown,
  { maxPayloadBytes, queues }: Required<ChangeRules>,
): Pick<CheckedChanges, 'payload' | 'keyIn'> {
  if (payload === undefined) return { payload: undefined };
  const stored = payloadText(payload, maxPayloadBytes);
  return { payload: stored, keyIn: keyReader(queues, payload, stored) };
}

/** What is read of a payload is read again with it. */
function keyReader(
  queues: ResolvedOptions['queues'],
  payload: unknown,
  stored: string,
): CheckedChanges['keyIn'] {
  if (![...queues.values()].some(({ perKey }) => perKey)) return undefined;
  return (queue) => {
    const by = queues.get(queue)?.perKey?.by;
    return by === undefined ? undefined : (limitKeyOf(by, payload, stored, 'change') ?? null);
  };
}
