/** What is stored of an error: plain text, sanitised and cut, so that writing it can never fail. */
export interface Failure {
  /** The error's class, `Thrown` where no Error was thrown. At most 200 characters. */
  name: string;
  /** At most 2,000 characters. */
  message: string;
  /** At most 8,000 characters. */
  stack?: string;
  /** The error's `code`, where it has one: of a `QueueError`, of Node.js or of the driver. */
  code?: string;
}

const MAX_MESSAGE = 2_000;
const MAX_STACK = 8_000;
const MAX_WORD = 200;

/** jsonb refuses U+0000 and lone surrogates (22P05, 22P02); both become U+FFFD. Cutting first may split a pair, so it comes before. */
export function cleanText(text: string, maxLength: number): string {
  return text.slice(0, maxLength).replaceAll('\0', '\uFFFD').toWellFormed();
}

/** Turns whatever was thrown (an Error, null, a hostile proxy) into a failure. Never throws. */
export function failureOf(thrown: unknown): Failure {
  try {
    return thrown instanceof Error
      ? failureOfError(thrown)
      : { name: 'Thrown', message: cleanText(describe(thrown), MAX_MESSAGE) };
  } catch {
    return { name: 'Thrown', message: 'something that cannot be described' };
  }
}

function failureOfError(error: Error & { code?: unknown }): Failure {
  const failure: Failure = {
    name: cleanText(String(error.name), MAX_WORD),
    message: cleanText(messageOf(error), MAX_MESSAGE),
  };
  if (typeof error.stack === 'string') failure.stack = cleanText(error.stack, MAX_STACK);
  if (typeof error.code === 'string') failure.code = cleanText(error.code, MAX_WORD);
  return failure;
}

/** A pipe of Nest that has checked a payload says what it found in the response of its HTTP exception alone; its message is a title. */
function messageOf(error: Error & { getResponse?: unknown; response?: { message?: unknown } }): string {
  const found = typeof error.getResponse === 'function' ? error.response?.message : undefined;
  const texts = Array.isArray(found) ? found.filter((each) => typeof each === 'string') : [];
  return [String(error.message), texts.join('; ')].filter((text) => text !== '').join(': ');
}

function describe(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown;
  if (typeof thrown === 'object' && thrown !== null) return JSON.stringify(thrown) ?? Object.prototype.toString.call(thrown);
  return String(thrown);
}
