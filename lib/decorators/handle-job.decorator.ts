import type { BatchContext } from '../job/batch-context.js';
import {
  HANDLE_JOB,
  type BatchOptions,
  type BatchResults,
  type HandleJobMetadata,
  type HandleJobOptions,
  type TemplateBatchMethod,
  type TemplateMethod,
} from '../job/job-handler.js';
import { isTemplate, type JobTarget, type JobTemplate } from '../job/job-template.js';
import type { Job } from '../job/job.js';
import type { JobContext } from '../job/job-context.js';
import { markMethod, type MethodMark } from './method-mark.js';
import { inMs } from '../job/values/duration.js';

/** What a `@HandleJob` method may look like; `any`, since the payload is the method's to name. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyJob = Job<any>;
type HandlerMethod = (job: AnyJob, context: JobContext) => unknown;
type BatchMethod = (jobs: AnyJob[], context: BatchContext) => Promise<BatchResults> | BatchResults;

/**
 * The method handles the jobs of the class's queue that are named `name`; several names may be given by several decorators.
 * What `options` leave out is taken from the class's `@QueueHandler`, but `batch`: with it the method takes several jobs. Only in a class marked with `@QueueHandler`.
 */
export function HandleJob(
  name: string,
  options: HandleJobOptions & { batch: BatchOptions },
): MethodMark<BatchMethod>;
export function HandleJob(
  name: string,
  options?: HandleJobOptions & { batch?: undefined },
): MethodMark<HandlerMethod>;
/** The method handles the jobs of a template of the class's queue; the template has a name. With `batch` it takes several of them. */
export function HandleJob<Given, Payload, Answer, Output>(
  template: JobTemplate<Given, Payload, Answer, Output>,
  options: HandleJobOptions & { batch: BatchOptions },
): MethodMark<TemplateBatchMethod<Payload, Answer>>;
export function HandleJob<Given, Payload, Answer, Output>(
  template: JobTemplate<Given, Payload, Answer, Output>,
  options?: HandleJobOptions & { batch?: undefined },
): MethodMark<TemplateMethod<Payload, Answer>>;
export function HandleJob(target: JobTarget, options: HandleJobOptions = {}): MethodMark<never> {
  const of = isTemplate(target) ? { name: target.name, template: target } : { name: target };
  return markMethod(HANDLE_JOB, '@HandleJob', {
    ...of,
    options: inMs(options),
  } satisfies HandleJobMetadata);
}
