import type { QueueEventName } from './events.js';
import { loopError, type Clean } from './log-lines.js';

type Value = string | number;

/** Names in a log store that is beside other programs' logs; `name` and `id` alone would say little there. */
const FIELD: Readonly<Record<string, string>> = {
  id: 'jobId',
  name: 'jobName',
  runMs: 'ms',
  restMs: 'ms',
};

/** What may be told as it is. An output, a payload and whatever comes to an event later are left out. */
const TOLD: ReadonlySet<string> = new Set([
  ...[
    'id',
    'queue',
    'name',
    'attempt',
    'maxAttempts',
    'state',
    'outcome',
    'reason',
    'loop',
    'worker',
    'code',
    'schedule',
    'jobId',
  ],
  ...[
    'runMs',
    'restMs',
    'waitMs',
    'ms',
    'jobs',
    'leases',
    'poisoned',
    'cancelled',
    'released',
    'wanted',
    'claimed',
    'settled',
    'times',
  ],
]);

/** An event as fields: flat, few, of plain values. */
export function fieldsOf(name: QueueEventName, event: object, clean: Clean): Record<string, Value> {
  const fields: Record<string, Value> = { event: name };
  const facts = {
    ...event,
    ...('waitMs' in event && { waitMs: event.waitMs }),
    ...('error' in event && codeOf(event.error)),
  };
  for (const [key, value] of Object.entries(facts)) {
    if (!TOLD.has(key) || value === '') continue;
    if (typeof value === 'string') fields[FIELD[key] ?? key] = clean(value);
    if (typeof value === 'number') fields[FIELD[key] ?? key] = Math.round(value);
  }
  return fields;
}

/** Its code, or the class where it has none. */
function codeOf(error: unknown): { code: string } {
  const { code, name } =
    error instanceof Error ? loopError(error) : ((error ?? {}) as { code?: string; name?: string });
  return { code: code || name || 'Error' };
}
