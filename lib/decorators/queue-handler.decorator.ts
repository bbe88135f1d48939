import { SetMetadata } from '@nestjs/common';
import {
  QUEUE_HANDLER,
  type BatchHandler,
  type BatchOptions,
  type QueueHandlerMetadata,
  type QueueHandlerOptions,
} from '../job/job-handler.js';

/** `any`, since payload and output are the class's to name. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type BatchClass = abstract new (...args: never[]) => Pick<BatchHandler<any, any>, 'process'>;

/**
 * The class handles the jobs of `queue`: its `@HandleJob` methods those with their names, its `process` all others. `queue` is a name, a prefix
 * with a star (`mail.*`: each queue of that prefix that no closer handler takes, also one that appears later), or `*`.
 *
 * An ordinary provider otherwise: list it in a module, inject what it needs. Wrong names and options stop the start with `HANDLER_INVALID`.
 */
export function QueueHandler(queue: string, options: QueueHandlerOptions & { batch: BatchOptions }): (target: BatchClass) => void;
export function QueueHandler(queue: string, options?: QueueHandlerOptions): ClassDecorator;
export function QueueHandler(queue: string, options: QueueHandlerOptions = {}): ClassDecorator {
  return SetMetadata(QUEUE_HANDLER, { queue, options } satisfies QueueHandlerMetadata);
}
