import { QueueError } from '../../../job/queue.errors.js';
import type { Run } from '../database.js';
import { DatabaseError } from '../database-errors.js';
import { RELEASE_SAVEPOINT, ROLLBACK_TO_SAVEPOINT, SAVEPOINT } from './savepoint.sql.js';

const MAX_TRIES = 3;

/** Several statements of a caller's transaction, all or none of them: also where the caller catches the refusal and commits. */
export async function undoable<T>(run: Run, work: () => Promise<T>): Promise<T> {
  await run(SAVEPOINT, []);
  const done = await work().catch((error: unknown) => undo(run, error));
  await run(RELEASE_SAVEPOINT, []);
  return done;
}

/** An error of the database has ended the transaction already. */
async function undo(run: Run, error: unknown): Promise<never> {
  if (!(error instanceof DatabaseError)) {
    await run(ROLLBACK_TO_SAVEPOINT, []);
    await run(RELEASE_SAVEPOINT, []);
  }
  throw error;
}

/**
 * A look that locks hundreds of partitions and indexes, which a caller's transaction would hold until its end: in a savepoint, whose rollback
 * gives them back. The look writes nothing, and in such a transaction nobody else does meanwhile.
 */
export async function glance<T>(run: Run, look: () => Promise<T>): Promise<T> {
  if (!run.isUndisturbed) return look();
  await run(SAVEPOINT, []);
  const seen = await look();
  await run(ROLLBACK_TO_SAVEPOINT, []);
  await run(RELEASE_SAVEPOINT, []);
  return seen;
}

/** A transaction of our own that met a deadlock or a conflict was rolled back as a whole: it may be tried again, nobody has seen it. */
export async function repeated<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (
        tries === MAX_TRIES ||
        !(error instanceof QueueError) ||
        error.code !== 'TRANSACTION_CONFLICT'
      )
        throw error;
    }
  }
}
