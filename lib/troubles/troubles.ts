import { MOST_COUNTED, type Trouble } from '../job/trouble.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import type { Run } from '../storage/connection/database.js';
import type { TroubleRow } from '../storage/diagnosis/trouble.repository.js';
import type { Storage } from '../storage/storage.js';
import type { TROUBLES } from './kinds.js';
import { command } from '../runtime/words.js';

/** Whatever waits for a person, asked of the database; on connections for callers, or where `run` says. */
export async function troublesOf(
  storage: Storage,
  options: ResolvedOptions,
  run?: Run,
): Promise<Trouble[]> {
  const rows = await storage.troubles.rows(options, run);
  // Loaded by who asks: a process that only enqueues hardly ever does.
  const { TROUBLES, TROUBLE_CODES } = await import('./kinds.js');
  const place = ({ code }: TroubleRow): number => TROUBLE_CODES.indexOf(code);
  return rows
    .toSorted((a, b) => place(a) - place(b))
    .map((row) => troubleOf(row, options, TROUBLES));
}

function troubleOf(row: TroubleRow, options: ResolvedOptions, kinds: typeof TROUBLES): Trouble {
  const { code, queue, name, labels, sinceMs } = row;
  const { level, text, ids, look, hint = '', fix } = kinds[code].tell(row);
  return {
    code,
    level,
    ...(queue === null ? {} : { queue }),
    ...(name === null ? {} : { name }),
    ...(labels?.length ? { labels } : {}),
    ...countOf(row),
    ...(sinceMs === null ? {} : { sinceMs: Math.max(0, Math.round(sinceMs)) }),
    ...(ids?.length ? { ids } : {}),
    text,
    look: command(look, options),
    hint,
    fix: fix ? command(fix, options) : '',
  };
}

/** Connections are as many as they are. */
function countOf({ code, count }: TroubleRow): Pick<Trouble, 'count' | 'atLeast'> {
  const atLeast = code !== 'CONNECTIONS' && count > MOST_COUNTED;
  return { count: atLeast ? MOST_COUNTED : count, atLeast };
}
