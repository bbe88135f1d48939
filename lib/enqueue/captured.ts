import type { ContextCarrier } from '../job/context-carrier.js';
import { failureOf } from '../job/failure.js';
import { QueueError } from '../job/queue.errors.js';
import { checkHeaders } from './headers.js';

/** What the carriers say of the caller's context; of two that name one header the later wins. undefined: nothing. */
export function captured(carriers: readonly ContextCarrier[] = []): Record<string, string> | undefined {
  let all: Record<string, string> | undefined;
  for (const carrier of carriers) {
    const headers = capturedBy(carrier, all);
    if (headers) all = headers;
  }
  return all;
}

/** Without the context that it belongs to a job might run for the wrong tenant: the caller is told, and nothing is stored. */
function capturedBy(carrier: ContextCarrier, others?: Record<string, string>): Record<string, string> | undefined {
  try {
    const headers = carrier.capture();
    return headers === undefined ? undefined : checkHeaders({ ...others, ...checkHeaders(headers) });
  } catch (error) {
    const name = carrier.constructor.name;
    const message = `The context of an enqueue could not be captured by the carrier ${name}, so nothing was stored: ${failureOf(error).message} Let capture() answer a few short strings, or undefined.`;
    throw new QueueError('CONTEXT_INVALID', message, { cause: error });
  }
}
