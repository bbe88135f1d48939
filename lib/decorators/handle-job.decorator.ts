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
import { markMethod, type IsBatch, type MethodMark } from './method-mark.js';
import { inMs } from '../job/values/duration.js';

/** What a `@HandleJob` method may look like; `any`, since the payload is the method's to name. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyJob = Job<any>;
type HandlerMethod = (job: AnyJob, context: JobContext) => unknown;
type BatchMethod = (jobs: AnyJob[], context: BatchContext) => Promise<BatchResults> | BatchResults;

/** The method decorator for a target: it fits only methods that can handle what it names. */
type JobMark<Target, Batch> =
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- what was given and what is read do not matter here
  Target extends JobTemplate<any, infer Payload, infer Answer, any>
    ? IsBatch<Batch> extends true
      ? MethodMark<TemplateBatchMethod<Payload, Answer>>
      : MethodMark<TemplateMethod<Payload, Answer>>
    : IsBatch<Batch> extends true
      ? MethodMark<BatchMethod>
      : MethodMark<HandlerMethod>;

/**
 * The method handles the jobs of the class's queue that are named `target`, or those of a template of that queue that has a name; several
 * may be given by several decorators. What `options` leave out is taken from the class's `@QueueHandler`, but `batch`: with it the method
 * takes several jobs. Only in a class marked with `@QueueHandler`.
 */
export function HandleJob<
  Target extends JobTarget,
  Batch extends BatchOptions | undefined = undefined,
>(
  target: Target,
  given?: Omit<HandleJobOptions, 'batch'> & { batch?: Batch },
): JobMark<Target, Batch> {
  const options: HandleJobOptions = given === undefined ? {} : given;
  const named: JobTarget = target;
  const of = isTemplate(named) ? { name: named.name, template: named } : { name: named };
  return markMethod(HANDLE_JOB, '@HandleJob', {
    ...of,
    options: inMs(options),
  } satisfies HandleJobMetadata) as JobMark<Target, Batch>;
}
