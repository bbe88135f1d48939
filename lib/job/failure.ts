import { isError, safely } from './kinds.js';

/** An error in brief: plain text, sanitised and cut, so that writing it can never fail. */
export interface Cause {
  /** The error's class, `Thrown` where no Error was thrown. At most 200 characters. */
  name: string;
  /** At most 2,000 characters; 500 of a cause. */
  message: string;
  /** The error's `code`, where it has one: of a `QueueError`, of Node.js or of the driver. */
  code?: string;
}

/** What is stored of an error. */
export interface Failure extends Cause {
  /** At most 8,000 characters. */
  stack?: string;
  /** What it was caused by at any depth, with the errors of an AggregateError: the first ten. */
  causes?: Cause[];
}

const MAX_MESSAGE = 2_000;
const MAX_STACK = 8_000;
const MAX_WORD = 200;
const MAX_CAUSES = 10;
const MAX_CAUSE_MESSAGE = 500;
const INDESCRIBABLE = 'something that cannot be described';

/** jsonb refuses U+0000 and lone surrogates (22P05, 22P02); both become U+FFFD. Cutting first may split a pair, so it comes before. */
export function cleanText(text: string, maxLength: number): string {
  return text.slice(0, maxLength).replaceAll('\0', '\uFFFD').toWellFormed();
}

/** Turns whatever was thrown (an Error, null, a hostile proxy) into a failure. Never throws. */
export function failureOf(thrown: unknown): Failure {
  if (!isError(thrown)) return thrownOf(() => describe(thrown), MAX_MESSAGE);
  const failure: Failure = briefOf(thrown, MAX_MESSAGE);
  const stack = safely(() => thrown.stack);
  if (typeof stack === 'string') failure.stack = cleanText(stack, MAX_STACK);
  const causes = causesOf(thrown);
  if (causes.length > 0) failure.causes = causes;
  return failure;
}

/** Each part by itself: one that throws when it is read takes no other with it. */
function briefOf(error: Partial<Cause>, maxMessage: number): Cause {
  const brief: Cause = {
    name: cleanText(safely(() => String(error.name)) ?? 'Error', MAX_WORD),
    message: cleanText(safely(() => messageOf(error as Error)) ?? INDESCRIBABLE, maxMessage),
  };
  const code = safely(() => error.code);
  if (typeof code === 'string') brief.code = cleanText(code, MAX_WORD);
  return brief;
}

/** The nearest first. */
function causesOf(error: object): Cause[] {
  const seen: unknown[] = [error];
  for (let index = 0; index < seen.length && seen.length <= MAX_CAUSES; index++)
    for (const next of safely(() => behind(seen[index])) ?? [])
      if (seen.length <= MAX_CAUSES && !seen.includes(next)) seen.push(next);
  return seen
    .slice(1)
    .map((cause) => safely(() => causeOf(cause)) ?? { name: 'Thrown', message: INDESCRIBABLE });
}

function behind(error: unknown): unknown[] {
  const { cause, errors } = (typeof error === 'object' && error !== null ? error : {}) as {
    cause?: unknown;
    errors?: unknown;
  };
  const several = Array.isArray(errors) ? (errors as unknown[]).slice(0, MAX_CAUSES) : [];
  return [cause, ...several].filter((each) => each !== undefined && each !== null);
}

/** Of what is no error only a text or a message is kept: what else it carries may be anybody's data. */
function causeOf(cause: unknown): Cause {
  if (isError(cause)) return briefOf(cause, MAX_CAUSE_MESSAGE);
  if (typeof cause !== 'object') return thrownOf(() => describe(cause), MAX_CAUSE_MESSAGE);
  const { name, message, code } = cause as Record<string, unknown>;
  if (typeof message !== 'string') return { name: 'Thrown', message: 'an object' };
  return briefOf(
    { name: typeof name === 'string' ? name : 'Thrown', message, code: code as string },
    MAX_CAUSE_MESSAGE,
  );
}

function thrownOf(text: () => string, maxMessage: number): Cause {
  return { name: 'Thrown', message: cleanText(safely(text) ?? INDESCRIBABLE, maxMessage) };
}

/** A pipe of Nest that has checked a payload says what it found in the response of its HTTP exception alone; its message is a title. */
function messageOf(
  error: Error & { getResponse?: unknown; response?: { message?: unknown } },
): string {
  const found = typeof error.getResponse === 'function' ? error.response?.message : undefined;
  const texts = Array.isArray(found) ? found.filter((each) => typeof each === 'string') : [];
  return [String(error.message), texts.join('; ')].filter((text) => text !== '').join(': ');
}

function describe(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown;
  if (typeof thrown === 'object' && thrown !== null)
    return JSON.stringify(thrown) ?? Object.prototype.toString.call(thrown);
  return String(thrown);
}
