import { hush } from './kinds.js';
import { quote } from './names.js';
import { QueueError } from './queue.errors.js';

/**
 * A manager that was given. Only `undefined` means that there is none: what somebody takes for his transaction, and is not, must not let
 * the call out of it.
 * @throws QueueError `INVALID_OPTION`
 */
export function checkManager<Manager>(manager: Manager): Manager {
  if (typeof manager === 'object' && manager !== null) return manager;
  throw noManager(manager);
}

export function noManager(given: unknown): QueueError {
  hush(given);
  const message = `manager must be the EntityManager or QueryRunner of an open transaction, not ${quote(given)}. Leave it out if there is none.`;
  return new QueueError('INVALID_OPTION', message);
}

/** The same of what the option `transaction` returned: anything but `undefined` was meant as a transaction. */
export function noTransaction(given: unknown): QueueError {
  hush(given);
  const message = `The option "transaction" returned ${quote(given)}. It must return the EntityManager or QueryRunner of the transaction, not a promise of it, and undefined if there is none.`;
  return new QueueError('INVALID_OPTION', message);
}
