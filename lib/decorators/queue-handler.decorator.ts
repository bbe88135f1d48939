import { SetMetadata } from '@nestjs/common';
import { QUEUE_HANDLER, type QueueHandlerMetadata, type QueueHandlerOptions, type TemplateHandler } from '../job/job-handler.js';
import { isTemplate, type JobTarget, type JobTemplate } from '../job/job-template.js';

/** A class decorator that the compiler lets stand only on classes whose instances handle the template's jobs. */
export type TemplateHandlerMark<Payload, Answer> = <
  Class extends abstract new (...args: never[]) => TemplateHandler<Payload, Answer>,
>(
  target: Class,
) => void;

/**
 * The class handles the jobs of `queue`: its `@HandleJob` methods those with their names, its `process` all others.
 *
 * An ordinary provider otherwise: list it in a module, inject what it needs. Wrong names and options stop the start with `HANDLER_INVALID`.
 */
export function QueueHandler(queue: string, options?: QueueHandlerOptions): ClassDecorator;
/** The class's `process` handles the jobs of the template and no others: those with its name, or those without a name. */
export function QueueHandler<Given, Payload, Answer, Output>(
  template: JobTemplate<Given, Payload, Answer, Output>,
  options?: QueueHandlerOptions,
): TemplateHandlerMark<Payload, Answer>;
export function QueueHandler(target: JobTarget, options: QueueHandlerOptions = {}): ClassDecorator {
  const of = isTemplate(target) ? { queue: target.queue, template: target } : { queue: target };
  return SetMetadata(QUEUE_HANDLER, { ...of, options } satisfies QueueHandlerMetadata);
}
