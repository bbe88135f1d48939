import { Inject } from '@nestjs/common';
import type { JobTarget } from '../job/job-template.js';
import { getQueueToken } from '../module/tokens.js';

/**
 * Injects the `Queue` of a template or of a queue's name, of the module instance `instance`. Its module imports
 * `SimpleQueueModule.forFeature([target], instance)`.
 */
export function InjectQueue(
  target: JobTarget,
  instance?: string,
): PropertyDecorator & ParameterDecorator {
  return Inject(getQueueToken(target, instance));
}
