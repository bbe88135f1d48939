import type { QueueEvents } from '../observability/events.js';
import type { Handler } from './handler-registry.js';
import { templated } from './templated-handler.js';

/** A handler that is called as Nest calls it; the schemas of its template do not stand around it yet. */
export type FoundHandler = Handler;

/**
 * The one place that puts a handler's `run` together, from the inside out: the instance's method, beneath enhancers and scope (`nestCall`), then
 * the schemas of its template. What a handler does not use is left out of its call.
 */
export function composed(handler: FoundHandler, events: QueueEvents): Handler {
  return templated(handler, handler.template, events);
}
