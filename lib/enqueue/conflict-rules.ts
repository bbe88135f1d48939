import { MAX_DELAY_MS } from '../job/backoff.js';
import type { JobOptions, OnConflict } from '../job/enqueue-options.js';
import { quote, quoteNumber } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import type { NewJob } from '../job/new-job.js';
import { LIMITS } from '../options/handler-rules.js';
import { msOf } from '../job/values/duration.js';
import { formsFor } from './option-checks.js';

const MODES = ['ignore', 'replace', 'debounce', 'throttle'] as const;
const [, MAX_PENDING] = LIMITS.maxPending;

type Conflict = Pick<NewJob, 'conflict' | 'periodMs' | 'delayMs'>;

/** What `onConflict` and `periodMs` ask for. A debounced job runs a period from now. */
export function checkedConflict(options: JobOptions): Conflict {
  const { onConflict } = options;
  if (onConflict !== undefined) checkMode(onConflict, options.uniqueKey);
  const periodMs = checkedPeriod(options);
  if (onConflict === undefined || onConflict === 'ignore') return {};
  refuseContradictions(options);
  if (onConflict === 'replace') return { conflict: onConflict };
  return {
    conflict: onConflict,
    periodMs,
    ...(onConflict === 'debounce' ? { delayMs: periodMs } : {}),
  };
}

function checkMode(onConflict: OnConflict, uniqueKey: string | undefined): void {
  if (!MODES.includes(onConflict))
    throw invalid(`onConflict must be one of ${MODES.join(', ')}, not ${quote(onConflict)}`);
  if (uniqueKey === undefined)
    throw invalid(`onConflict "${onConflict}" needs a uniqueKey: without a key nothing conflicts`);
}

function checkedPeriod({ onConflict, periodMs: given }: JobOptions): number | undefined {
  const periodMs = msOf(given);
  const isPeriodic = onConflict === 'debounce' || onConflict === 'throttle';
  if (!isPeriodic && periodMs !== undefined)
    throw invalid('periodMs belongs to onConflict "debounce" or "throttle", and neither is given');
  if (!isPeriodic) return undefined;
  if (typeof periodMs === 'number' && periodMs >= 1 && periodMs <= MAX_DELAY_MS) return periodMs;
  throw invalid(
    `onConflict "${onConflict}" needs periodMs, a number from 1 to ${MAX_DELAY_MS}${formsFor('periodMs', periodMs)}, not ${quoteNumber(periodMs)}`,
  );
}

function refuseContradictions({ onConflict, id, runAt, delayMs }: JobOptions): void {
  if (id !== undefined)
    throw invalid(
      `id cannot be given with onConflict "${onConflict}": what changed another job is not remembered by it`,
    );
  if (onConflict === 'debounce' && (runAt !== undefined || delayMs !== undefined))
    throw invalid(
      'onConflict "debounce" sets the run time by periodMs. Leave out runAt and delayMs',
    );
}

/** One key of a call has one mode: what should become of the others is anybody's guess. */
export function refuseMixedKeys(jobs: Pick<NewJob, 'conflict' | 'uniqueKey'>[]): void {
  if (!jobs.some((job) => job.conflict !== undefined)) return;
  const modes = new Map<string, NewJob['conflict']>();
  jobs.forEach(({ uniqueKey, conflict }, index) => {
    if (uniqueKey === undefined) return;
    if (modes.has(uniqueKey) && modes.get(uniqueKey) !== conflict)
      throw new QueueError(
        'INVALID_OPTION',
        `Item ${index}: enqueue: the items with uniqueKey ${quote(uniqueKey)} have different onConflict modes. Give them one.`,
      );
    modes.set(uniqueKey, conflict);
  });
}

/** Also asked by the recording service of the test kit. */
export function checkMaxPending(maxPending: number | undefined): number | undefined {
  if (
    maxPending === undefined ||
    (Number.isInteger(maxPending) && maxPending >= 1 && maxPending <= MAX_PENDING)
  )
    return maxPending;
  throw invalid(
    `maxPending must be a whole number from 1 to ${MAX_PENDING}, not ${quoteNumber(maxPending)}`,
  );
}

function invalid(problem: string): QueueError {
  return new QueueError('INVALID_OPTION', `enqueue: ${problem}.`);
}
