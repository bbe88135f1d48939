import { statement } from '../statement.js';

/** What was stored and turned out to be too much is taken back, and the caller's transaction goes on. */
export const SAVEPOINT = statement('savepoint', `savepoint sq_enqueue`);

export const RELEASE_SAVEPOINT = statement('release_savepoint', `release savepoint sq_enqueue`);

export const ROLLBACK_TO_SAVEPOINT = statement(
  'rollback_to_savepoint',
  `rollback to savepoint sq_enqueue`,
);
