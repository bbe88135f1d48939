import { SetMetadata } from '@nestjs/common';
import { QUEUE_HANDLER, type QueueHandlerMetadata, type QueueHandlerOptions } from '../job/job-handler.js';

/**
 * The class handles the jobs of `queue`: its `@HandleJob` methods those with their names, its `process` all others.
 *
 * An ordinary provider otherwise: list it in a module, inject what it needs. Wrong names and options stop the start with `HANDLER_INVALID`.
 */
export function QueueHandler(queue: string, options: QueueHandlerOptions = {}): ClassDecorator {
  return SetMetadata(QUEUE_HANDLER, { queue, options } satisfies QueueHandlerMetadata);
}
