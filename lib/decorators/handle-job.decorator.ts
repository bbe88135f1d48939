import { HANDLE_JOB, type HandleJobMetadata, type HandleJobOptions, type TemplateMethod } from '../job/job-handler.js';
import { isTemplate, type JobTarget, type JobTemplate } from '../job/job-template.js';
import type { Job } from '../job/job.js';
import type { JobContext } from '../job/job-context.js';
import { markMethod, type MethodMark } from './method-mark.js';

/** What a `@HandleJob` method may look like; `any`, since the payload is the method's to name. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type HandlerMethod = (job: Job<any>, context: JobContext) => unknown;

/**
 * The method handles the jobs of the class's queue that are named `name`; several names may be given by several decorators.
 * What `options` leave out is taken from the class's `@QueueHandler`. Only in a class marked with `@QueueHandler`.
 */
export function HandleJob(name: string, options?: HandleJobOptions): MethodMark<HandlerMethod>;
/** The method handles the jobs of a template of the class's queue; the template has a name. */
export function HandleJob<Given, Payload, Answer, Output>(
  template: JobTemplate<Given, Payload, Answer, Output>,
  options?: HandleJobOptions,
): MethodMark<TemplateMethod<Payload, Answer>>;
export function HandleJob(target: JobTarget, options: HandleJobOptions = {}): MethodMark<HandlerMethod> {
  const of = isTemplate(target) ? { name: target.name, template: target } : { name: target };
  return markMethod(HANDLE_JOB, '@HandleJob', { ...of, options } satisfies HandleJobMetadata);
}
