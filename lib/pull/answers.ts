import { failureOf, type Failure } from '../job/failure.js';
import { isError } from '../job/kinds.js';
import { payloadText } from '../job/values/payload.js';
import { QueueError } from '../job/queue.errors.js';

/**
 * The JSON text of outputs; undefined where there are none. A remote worker can answer again, so nothing is cut or left out.
 * @throws QueueError `INVALID_OUTPUT`, `OUTPUT_TOO_LARGE`.
 */
export function checkedOutputs(outputs: unknown, maxBytes: number): string | undefined {
  if (outputs === undefined) return undefined;
  const text = textOf(outputs);
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxBytes) return text;
  const message = `The outputs have ${bytes} bytes, more than maxOutputBytes (${maxBytes}). Store them elsewhere and complete with a reference, or raise the limit.`;
  throw new QueueError('OUTPUT_TOO_LARGE', message);
}

function textOf(outputs: unknown): string {
  try {
    return payloadText(outputs, Infinity);
  } catch (error) {
    const { message } = error as Error;
    const told = message
      .replace(/(, or use| \(give it as) payloadBytes\)?/, '')
      .replaceAll('payload', 'outputs');
    throw new QueueError('INVALID_OUTPUT', told, { cause: (error as Error).cause });
  }
}

/** From whatever a worker says of its failure: an Error, a text, or an object with a message as JSON brings it. Never throws. */
export function failureFrom(error: unknown): Failure {
  try {
    return failureTold(error);
  } catch {
    return failureOf(error);
  }
}

function failureTold(error: unknown): Failure {
  if (isError(error)) return failureOf(error);
  const { name, message, stack, code, cause, errors } = (error ?? {}) as Record<string, unknown>;
  if (typeof message !== 'string') return failureOf(error);
  const told = Object.assign(new Error(message), { code, cause, errors });
  told.name = typeof name === 'string' ? name : 'Error';
  told.stack = typeof stack === 'string' ? stack : undefined;
  return failureOf(told);
}
