import { QueueError } from '../job/queue.errors.js';
import type { ProvidedClass } from './provided-class.js';

export function invalid(provided: ProvidedClass, problem: string, cause?: unknown): QueueError {
  return new QueueError('HANDLER_INVALID', `${provided.name} (in ${provided.module}) ${problem}`, {
    cause,
  });
}
