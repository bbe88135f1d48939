import type { JobTarget, AnswerOf } from '../job/job-template.js';
import { ON_JOB_EVENT } from '../job/job-handler.js';
import type { QueueEventListener, QueueEventName } from '../observability/events.js';
import type { OnJobEventMetadata, OnJobEventOptions } from '../handlers/listener.explorer.js';
import { markMethod, type MethodMark } from './method-mark.js';

/**
 * The method, of any provider or controller, is called with each event `name` of this process, of all queues or of those that `queue` names.
 * What it throws is reported as a `warning` and changes nothing. Listen to what happened once, such as `failed`: a method on `started` or
 * `succeeded` costs a call a job.
 */
export function OnJobEvent<Name extends QueueEventName, Target extends JobTarget = string>(
  name: Name,
  options: OnJobEventOptions<Name, Target> = {},
): MethodMark<QueueEventListener<Name, AnswerOf<Target>>> {
  return markMethod(ON_JOB_EVENT, '@OnJobEvent', { name, options } satisfies OnJobEventMetadata);
}
