import { QueueError } from '../job/queue.errors.js';
import { DatabaseError, LOCKED } from '../storage/connection/database-errors.js';

/** One arrival that was looked at. */
export interface Page {
  id: string;
  locked?: boolean;
}

/** Was any taken up? Was any held by others? */
export interface Looked {
  moved: boolean;
  locked: boolean;
}

/** Things have changed meanwhile: what was enqueued is rolled back. */
export class Stopped extends Error {}

/** Another process has taken it. */
export class Passed extends Error {}

export const unlessPassed = (error: unknown): void => {
  if (!(error instanceof Passed)) throw error;
};

export const isLocked = (error: unknown): boolean =>
  error instanceof DatabaseError && error.sqlState === LOCKED;

/** Trying again would change nothing. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof QueueError && (!(error instanceof DatabaseError) || !error.isPassing);
