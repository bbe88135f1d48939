import { HOUR_MS } from '../job/values/duration.js';
import { counted, shown, span } from '../runtime/words.js';
import type { TroubleRow } from '../storage/diagnosis/trouble.repository.js';
import type { Told } from './exact-fixes.js';
import { named, wait } from './row-words.js';

/** Of the worker whose run is the oldest. */
interface Hung {
  worker: string;
  slots: number;
  over: boolean;
  timed: boolean;
  /** What nearly all runs like these stayed below within a week, in milliseconds; null: none has ended. */
  usual: number | null;
  ids: string[];
  queue: string | null;
}

const RESTART = 'Restart that process, and any live worker runs its jobs again';

/** Nobody knows what is normal where no run has ended, and a timeout ends what has one: then it is a notice. */
export function hung(row: TroubleRow): Told {
  const { worker, slots, over, timed, usual, ids, queue } = JSON.parse(row.subject!) as Hung;
  const sinceMs = row.sinceMs ?? 0;
  const more = row.extra > 1 ? ` So are those of ${counted(row.extra - 1, 'more worker')}.` : '';
  const what = over
    ? 'handlers that go on after their timeout'
    : `runs that do not end, the oldest for ${span(sinceMs)}${ids[0] ? ` (job ${ids[0]})` : ''}`;
  const normal = over || usual === null ? '' : `, where nearly all end within ${span(usual)}`;
  const text = `${slots === 1 ? 'The only slot' : `All ${slots} slots`} of worker ${shown(worker)} for ${named(row)} ${slots === 1 ? 'is' : 'are'} taken by ${what}${normal}: ${wait(row)}.${more}`;
  const level = !over && (timed || (usual === null && sinceMs < HOUR_MS)) ? 'notice' : 'warning';
  if (over || ids.length === 0)
    return {
      level,
      text,
      look: ['workers'],
      hint: `${RESTART}. Let the handler end at its signal.`,
    };
  return {
    level,
    text,
    look: ['jobs', '--queue', queue ?? '', '--state', 'running'],
    hint: `${timed ? 'Their timeout ends them. ' : ''}${RESTART}; or ask the runs to stop, which ends them as cancelled where their handler ends at its signal:`,
    fix: ['cancel', ...ids],
  };
}
