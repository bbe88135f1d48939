import { QueueError } from '../job/queue.errors.js';
import { JsonText } from '../job/values/json-text.js';
import type { Terminal } from './show/terminal.js';

/** The payload of a command: JSON, or `-` for standard input. Never quotes it: it may hold what nobody else should read. */
export async function payloadOf(given: string, around: Terminal): Promise<unknown> {
  const text = given === '-' ? await around.input() : given;
  try {
    return new JsonText(text);
  } catch {
    const message = `The payload is not JSON. Quote it for the shell: '{"orderId": 7}', or a text as '"text"'.`;
    throw new QueueError('INVALID_PAYLOAD', message);
  }
}
