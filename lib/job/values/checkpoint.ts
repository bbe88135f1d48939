import type { InTransaction } from '../enqueue-options.js';
import { payloadText } from './payload.js';
import { QueueError } from '../queue.errors.js';

/** Attempts that checkpoints may grant a job in its life: one that grants itself more at each failure still comes to an end. */
export const MAX_EXTRA_ATTEMPTS = 100;

/** What else `context.checkpoint` does. With `manager` the checkpoint is kept if and only if that transaction commits. */
export interface CheckpointOptions extends InTransaction {
  /** Further attempts for the job, since this one got somewhere: 0 (default) to 100, and 100 in the job's life. What goes beyond is not granted. */
  extraAttempts?: number;
}

/**
 * The JSON text that is stored for a checkpoint; null takes the stored one away.
 * @throws QueueError `INVALID_CHECKPOINT` for what JSON or jsonb cannot hold, `CHECKPOINT_TOO_LARGE` beyond `maxBytes`.
 */
export function checkpointText(state: unknown, maxBytes: number): string | null {
  if (state === undefined) return null;
  const text = storableText(state);
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxBytes) return text;
  throw new QueueError(
    'CHECKPOINT_TOO_LARGE',
    `The checkpoint has ${bytes} bytes, more than maxCheckpointBytes (${maxBytes}). Keep the results in your own table and a reference here, or raise the limit.`,
  );
}

/** What JSON and jsonb cannot hold is the same as for payloads; only the words are others. */
function storableText(state: unknown): string {
  try {
    return payloadText(state, Infinity);
  } catch (error) {
    const { message } = error as QueueError;
    const told = message
      .replace(/^(The )?payload\b/, '$1checkpoint')
      .replace(/(, or use| \(give it as) payloadBytes\)?/, '');
    throw new QueueError('INVALID_CHECKPOINT', told, { cause: error });
  }
}

/** @throws QueueError `INVALID_OPTION` */
export function checkExtraAttempts(extraAttempts: unknown = 0): number {
  const count = Number.isInteger(extraAttempts) ? (extraAttempts as number) : -1;
  if (count >= 0 && count <= MAX_EXTRA_ATTEMPTS) return count;
  throw new QueueError(
    'INVALID_OPTION',
    `checkpoint: extraAttempts must be a whole number from 0 to ${MAX_EXTRA_ATTEMPTS}.`,
  );
}
