import { QueueError } from '../job/queue.errors.js';

const MAX_TRIES = 3;

/** A transaction of our own that met a deadlock or a conflict was rolled back as a whole: it may be tried again, nobody has seen it. */
export async function repeated<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === MAX_TRIES || !(error instanceof QueueError) || error.code !== 'TRANSACTION_CONFLICT') throw error;
    }
  }
}
