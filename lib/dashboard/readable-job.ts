import { createHash } from 'node:crypto';
import type { FoundJob } from '../job/job.js';
import { JsonText } from '../job/values/json-text.js';

/** More of one text is not sent. */
const MOST_TEXT = 1_100_000;
const MOST_BYTES = 4_096;

/** What a job carries, as text: deep or large values are the page's to fold, and never walked here again. */
interface Carried {
  text: string;
  /** Another one for another value. */
  digest: string;
  /** Of the whole, where the text is a part of it. */
  cutFrom?: number;
}

/** A job as JSON can say it; `stored`: its payload, where nothing of it is hidden. */
export function readable(job: FoundJob, stored: JsonText | undefined): Record<string, unknown> {
  const { payload, output, checkpoint, payloadBytes, ...facts } = job;
  return {
    ...facts,
    payload: carried(stored ?? payload),
    output: carried(output),
    checkpoint: carried(checkpoint),
    ...(payloadBytes
      ? { bytes: { size: payloadBytes.length, hex: payloadBytes.toString('hex', 0, MOST_BYTES) } }
      : {}),
  };
}

function carried(value: unknown): Carried | undefined {
  if (value === undefined) return undefined;
  const text = written(value);
  const digest = digestOf(value);
  return text.length <= MOST_TEXT
    ? { text, digest }
    : { text: text.slice(0, MOST_TEXT), digest, cutFrom: text.length };
}

export const digestOf = (value: unknown): string =>
  createHash('sha256').update(written(value)).digest('hex').slice(0, 16);

/** What is stored may be too deep. */
function written(value: unknown): string {
  try {
    return value instanceof JsonText ? value.text() : (JSON.stringify(value) ?? 'null');
  } catch {
    return '"[cannot be written as JSON: too deep]"';
  }
}
