import type { EntityManager } from 'typeorm';
import { clientOf } from '../storage/connection/callers/joined.js';
import type { JobRun } from './job-run.js';

/**
 * Sent behind the statement that runs: the locks are free, and whatever the handler sends later fails (25P02). A connection that was closed would reject what
 * is in flight, and a rejection that nobody awaits ends the process.
 */
const FAIL = `rollback; begin; do $$ begin raise exception 'The run was settled without its handler.'; end $$`;

/** Calls the handler of a transaction that is undone where the run is settled without it. Not behind its return: a commit that is on its way stays. */
export async function abandonable<T>(
  run: JobRun,
  { queryRunner }: EntityManager,
  call: () => Promise<T>,
): Promise<T> {
  const client = clientOf(queryRunner!) as { query(text: string): Promise<unknown> };
  const undo = (text: string) => client.query(text).catch(() => undefined);
  run.abandon = () => void undo(FAIL);
  try {
    return await call();
  } finally {
    run.abandon = undefined;
    // TypeORM ends what it has begun itself.
    if (run.settled) await undo('rollback');
  }
}
