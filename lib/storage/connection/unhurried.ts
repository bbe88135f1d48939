import { sqlStateOf } from '../../runtime/retry.js';
import { QUERY_CANCELED } from './database-errors.js';

/** Where the role gives a statement a millisecond, the busiest machine gets them through at last. */
const TRIES = 10;

/**
 * Sends the first words of a connection or a transaction, which lift the timeouts of its role. Where such a timeout has cancelled them, and
 * nothing after them (`isUndone`), they are sent `again`.
 */
export async function unhurried<Result>(
  send: (again: boolean) => Promise<Result>,
  isUndone = (): boolean => true,
): Promise<Result> {
  for (let tries = 1; ; tries++)
    try {
      return await send(tries > 1);
    } catch (error) {
      if (sqlStateOf(error) !== QUERY_CANCELED || tries === TRIES || !isUndone()) throw error;
    }
}
