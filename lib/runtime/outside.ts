import { AsyncResource } from 'node:async_hooks';

/** Made when the file is loaded: before any request, job or transaction. */
const SCOPE = new AsyncResource('SimpleQueue');

/**
 * Runs what belongs to nobody: it inherits no AsyncLocalStorage of whoever happens to call, so neither a request's context nor a
 * transaction. Whatever `work` does before its first `await` must be ours: an `enterWith` there would stay in the shared scope.
 */
export function outside<Result>(work: () => Result): Result {
  return SCOPE.runInAsyncScope(work);
}
