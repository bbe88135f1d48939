import type { QueueEventBus } from '../observability/events.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { later } from '../runtime/later.js';
import type { Storage } from '../storage/storage.js';
import type { Spooling } from './spooling.js';

export type SpoolWay = Pick<Spooling, 'through' | 'afterFailure'>;

/** Only a process with a spool loads it, and starts it at once: dead processes may have left jobs. */
export function spoolWay(
  storage: Storage,
  options: ResolvedOptions,
  events: QueueEventBus,
): SpoolWay | undefined {
  const { spool } = storage;
  if (!spool) return undefined;
  const loading = import('./spooling.js').then(({ spoolingOf }) => spoolingOf(spool, storage, options, events)); // prettier-ignore
  storage.beforeClose(async () => (await loading).stop());
  return later<SpoolWay>(() => loading);
}
