import { HOUR_MS } from '../job/values/duration.js';
import { counted, shown, span } from '../runtime/words.js';
import type { TroubleRow } from '../storage/diagnosis/trouble.repository.js';
import type { Told, TroubleKind } from './exact-fixes.js';
import { lasting, named, wait } from './row-words.js';

/** Of the worker whose run is the oldest. */
interface Hung {
  worker: string;
  slots: number;
  over: boolean;
  timed: boolean;
  /** What nearly all runs like these stayed below within a week, in milliseconds; null: none has ended. */
  usual: number | null;
  ids: string[];
  /** Of each worker with such runs, that of the oldest. */
  first?: string[] | null;
  queue: string | null;
  /** It is no slot that others wait for, but the turn of a group, or a permit of a key. */
  turn?: true;
}

/** How many of them one command ends. */
const MOST_ENDED = 5;
const RESTART = 'Restart that process, and any live worker runs its jobs again';

export const HUNG_RUNS: TroubleKind = {
  subject: 'runs that do not end',
  well: 'No job waits for runs that do not end.',
  tell: hung,
};

function hung(row: TroubleRow): Told {
  const found = JSON.parse(row.subject!) as Hung;
  const { over, timed, ids, first, queue, turn } = found;
  const said: Pick<Told, 'level' | 'text' | 'ids'> = {
    level: isNormal(row, found) ? 'notice' : 'warning',
    text: textOf(row, found),
    ids: [...new Set([...ids, ...(first ?? [])])],
  };
  if (over || ids.length === 0)
    return {
      ...said,
      look: ['workers'],
      hint: `${RESTART}. Let the handler end at its signal.`,
    };
  return {
    ...said,
    look: turn ? ['explain', ids[0]!] : ['jobs', '--queue', queue ?? '', '--state', 'running'],
    hint: `${timed ? 'Their timeout ends them. ' : ''}${RESTART}; or ask the runs to stop, which ends them as cancelled where their handler ends at its signal:`,
    fix: ['cancel', ...ids.slice(0, MOST_ENDED)],
  };
}

/** Perhaps: nobody knows it where no run has ended yet, and a timeout ends what has one. */
const isNormal = ({ sinceMs }: TroubleRow, { over, timed, usual }: Hung): boolean =>
  !over && (timed || (usual === null && (sinceMs ?? 0) < HOUR_MS));

function textOf(row: TroubleRow, found: Hung): string {
  const { worker, slots, turn } = found;
  if (turn) return keeper(row, found);
  const all = slots === 1 ? 'The only slot' : `All ${slots} slots`;
  const more = row.extra > 1 ? ` So are those of ${counted(row.extra - 1, 'more worker')}.` : '';
  return `${all} of worker ${shown(worker)} for ${named(row)} ${slots === 1 ? 'is' : 'are'} taken by ${takers(row, found)}: ${wait(row)}.${more}`;
}

function keeper(row: TroubleRow, { worker, ids: [id], usual }: Hung): string {
  const more = row.extra > 1 ? ` So it is with ${counted(row.extra - 1, 'more run')}.` : '';
  return `Job ${id} of ${named(row)} runs${lasting(row)} on worker ${shown(worker)}${normally(usual)}, and behind it, for its turn or key, ${wait(row)}.${more}`;
}

const normally = (usual: number | null): string =>
  usual === null ? '' : `, where nearly all end within ${span(usual)}`;

function takers({ sinceMs }: TroubleRow, { over, ids: [id], usual }: Hung): string {
  if (over) return 'handlers that go on after their timeout';
  return `runs that do not end, the oldest for ${span(sinceMs ?? 0)}${id ? ` (job ${id})` : ''}${normally(usual)}`;
}
