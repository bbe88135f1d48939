import { SetMetadata } from '@nestjs/common';
import {
  QUEUE_HANDLER,
  type BatchHandler,
  type BatchOptions,
  type QueueHandlerMetadata,
  type QueueHandlerOptions,
  type QueueNameOf,
  type TemplateBatchHandler,
  type TemplateHandler,
} from '../job/job-handler.js';
import { isTemplate, type JobTarget, type JobTemplate } from '../job/job-template.js';
import { inMs } from '../job/values/duration.js';

/** `any`, since payload and output are the class's to name. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type BatchClass = abstract new (...args: never[]) => Pick<BatchHandler<any, any>, 'process'>;

/** A class decorator that the compiler lets stand only on classes whose instances handle the template's jobs. */
type TemplateHandlerMark<Payload, Answer> = <
  Class extends abstract new (...args: never[]) => TemplateHandler<Payload, Answer>,
>(
  target: Class,
) => void;

/** The same for classes that take several of the template's jobs in one call. */
type TemplateBatchHandlerMark<Payload, Answer> = <
  Class extends abstract new (...args: never[]) => TemplateBatchHandler<Payload, Answer>,
>(
  target: Class,
) => void;

/**
 * The class handles the jobs of `queue`: its `@HandleJob` methods those with their names, its `process` all others. `queue` is a name, a prefix
 * with a star (`mail.*`: each queue of that prefix that no closer handler takes, also one that appears later), or `*`.
 *
 * An ordinary provider otherwise: list it in a module, inject what it needs. Wrong names and options stop the start with `HANDLER_INVALID`.
 */
export function QueueHandler(
  queue: string,
  options: QueueHandlerOptions & { batch: BatchOptions },
): (target: BatchClass) => void;
export function QueueHandler(queue: string, options?: QueueHandlerOptions): ClassDecorator;
/** The class's `process` handles the jobs of the template and no others: those with its name, or those without a name. */
export function QueueHandler<Given, Payload, Answer, Output>(
  template: JobTemplate<Given, Payload, Answer, Output>,
  options: QueueHandlerOptions & { batch: BatchOptions },
): TemplateBatchHandlerMark<Payload, Answer>;
export function QueueHandler<Given, Payload, Answer, Output>(
  template: JobTemplate<Given, Payload, Answer, Output>,
  options?: QueueHandlerOptions & { batch?: undefined },
): TemplateHandlerMark<Payload, Answer>;
/**
 * The name of the queue is known only at start: `queueOf` is asked once, and answers it from what the handler has injected, such as a
 * ConfigService. The handler is a singleton.
 */
export function QueueHandler<Handler extends object>(
  queueOf: (handler: Handler) => string,
  options?: QueueHandlerOptions,
): (target: abstract new (...args: never[]) => Handler) => void;
export function QueueHandler(
  target: JobTarget | QueueNameOf,
  options: QueueHandlerOptions = {},
): (target: never) => void {
  const of = isTemplate(target) ? { queue: target.queue, template: target } : { queue: target };
  return SetMetadata(QUEUE_HANDLER, {
    ...of,
    options: inMs(options),
  } satisfies QueueHandlerMetadata);
}
