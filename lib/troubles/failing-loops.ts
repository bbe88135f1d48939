import { counted, shown } from '../runtime/words.js';
import type { TroubleRow } from '../storage/diagnosis/trouble.repository.js';
import type { Told, TroubleKind } from './exact-fixes.js';
import { lasting } from './row-words.js';

interface Failing {
  loop: string;
  error: string;
  worker: string;
}

export const WORKER_FAILING: TroubleKind = {
  subject: 'failing loops',
  well: 'No loop of a worker keeps failing.',
  tell: failing,
};

/** A right that is missing, a table that is gone: it goes on until somebody does something, and its jobs wait. */
function failing(row: TroubleRow): Told {
  const { loop, error, worker } = JSON.parse(row.subject!) as Failing;
  const more = row.count > 1 ? ` So does that of ${counted(row.count - 1, 'more worker')}.` : '';
  return {
    level: 'warning',
    text: `The loop ${shown(loop)} of worker ${shown(worker)} keeps failing${lasting(row)}: ${shown(error)}.${more}`,
    look: ['doctor'],
    hint: 'What its error names is missing or refused: a right of its role, a table, a migration. Its log has the whole error.',
  };
}
