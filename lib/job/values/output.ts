import { cleanText, failureOf } from '../failure.js';
import { hushWithin } from '../kinds.js';
import { lossIn } from './payload.js';

/** What is stored of an output, as it was when this was made. `problem` says what was changed, cut or left out. */
export interface StoredOutput {
  /** JSON text, or undefined where there is no output. */
  text?: string;
  problem?: string;
}

/** Nothing: most handlers return none. */
export const NO_OUTPUT: StoredOutput = Object.freeze({});

/**
 * A success must not become a failure for want of a storable output: what jsonb cannot hold is replaced, what is too large is cut, what
 * JSON cannot hold (by the rule of payloads) is left out, and said so. Never fails.
 */
export function outputText(output: unknown, maxBytes: number): StoredOutput {
  if (output === undefined) return NO_OUTPUT;
  try {
    const text = JSON.stringify(output);
    const loss = lossIn(output);
    if (loss) return { problem: `output${loss.path} is ${loss.loss}, which JSON cannot hold` };
    return text === undefined ? { problem: 'JSON writes nothing of it' } : storable(text, maxBytes);
  } catch (error) {
    hushWithin(output);
    return { problem: `cannot be written as JSON: ${cleanText(failureOf(error).message, 200)}` };
  }
}

function storable(written: string, maxBytes: number): StoredOutput {
  const text = written.includes('\\u') ? written.replace(ESCAPES, cleanEscape) : written;
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes)
    return {
      text: cutText(text, maxBytes),
      problem: `${bytes} bytes, cut at maxOutputBytes (${maxBytes})`,
    };
  return text === written ? { text } : { text, problem: REPLACED };
}

const REPLACED =
  'U+0000 and halves of surrogate pairs, which PostgreSQL cannot store as JSON, became U+FFFD';

/** An escaped backslash is matched first, so that the text "\\u0000" keeps its meaning. */
const ESCAPES = /\\\\|\\u(?:0000|d[89a-f][0-9a-f]{2})/g;
const cleanEscape = (escape: string): string => (escape === '\\\\' ? escape : '\\ufffd');

/** Half a JSON text is no JSON: what is kept of it is kept as a string. */
function cutText(text: string, maxBytes: number): string {
  return JSON.stringify({ cut: cleanText(text, Math.max(0, Math.floor(maxBytes / 8))) });
}
