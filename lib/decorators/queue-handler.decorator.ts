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
import type { IsBatch } from './method-mark.js';
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

/** The class decorator for a target: it fits only classes that can handle what it names. */
type HandlerMark<Target, Batch> =
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- what was given and what is read do not matter here
  Target extends JobTemplate<any, infer Payload, infer Answer, any>
    ? IsBatch<Batch> extends true
      ? TemplateBatchHandlerMark<Payload, Answer>
      : TemplateHandlerMark<Payload, Answer>
    : Target extends (handler: infer Handler) => string
      ? (target: abstract new (...args: never[]) => Handler) => void
      : IsBatch<Batch> extends true
        ? (target: BatchClass) => void
        : ClassDecorator;

/**
 * The class handles the jobs of `target`, one of three:
 * - a queue: its `@HandleJob` methods those with their names, its `process` all others. A name, a prefix with a star (`mail.*`: each queue of
 *   that prefix that no closer handler takes, also one that appears later), or `*`.
 * - a template: its `process` handles the jobs of the template and no others: those with its name, or those without a name.
 * - a function, where the name of the queue is known only at start: it is asked once, and returns it from what the handler has injected, such
 *   as a ConfigService. The handler is a singleton.
 *
 * An ordinary provider otherwise: list it in a module, inject what it needs. Wrong names and options stop the start with `HANDLER_INVALID`.
 */
// One signature and no overloads: the compiler's error for a wrong option speaks of that option.
export function QueueHandler<
  Target extends JobTarget | QueueNameOf,
  Batch extends BatchOptions | undefined = undefined,
>(
  target: Target,
  given?: Omit<QueueHandlerOptions, 'batch'> & { batch?: Batch },
): HandlerMark<Target, Batch> {
  const options: QueueHandlerOptions = given === undefined ? {} : given;
  const named: JobTarget | QueueNameOf = target;
  const of = isTemplate(named) ? { queue: named.queue, template: named } : { queue: named };
  return SetMetadata(QUEUE_HANDLER, {
    ...of,
    options: inMs(options),
  } satisfies QueueHandlerMetadata) as unknown as HandlerMark<Target, Batch>;
}
