import type { Site } from '../../lib/maintenance/duties.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';
import type { TestStorage } from './storage.js';

/** Where a test turns duties by hand: nobody hears what they wake, and what they learn. */
export function aSite(
  test: Pick<TestStorage, 'storage' | 'events'>,
  options: SimpleQueueOptions = {},
): Site {
  return {
    storage: test.storage,
    events: test.events,
    options: resolveOptions(options).options,
    lookEveryMs: 1_000,
    lanes: () => [],
    wake: () => undefined,
    apply: async () => undefined,
  };
}
