import type { ResolvedOptions } from '../options/simple-queue.options.js';

const FOR_TESTS = Symbol('nestjs-simple-queue:for-tests');

/** A handler that hangs shall keep neither `app.close()` longer, nor `drain` past the time that a runner gives a test. */
const MAX_GRACE_MS = 200;

/** No loop starts by itself, and nobody listens: what happens is the test's own doing. */
export function forTests(options: ResolvedOptions): ResolvedOptions {
  return Object.freeze({
    ...options,
    worker: options.worker && Object.freeze({ ...options.worker, autoStart: false }),
    wakeUp: 'off' as const,
    shutdownGraceMs: Math.min(options.shutdownGraceMs, MAX_GRACE_MS),
    isUnpaced: true,
    [FOR_TESTS]: true,
  });
}

/** Were these options made by the testing module? */
export const areForTests = (options: ResolvedOptions): boolean => FOR_TESTS in options;
