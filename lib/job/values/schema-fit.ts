import { cleanText } from '../failure.js';
import { isThenable } from '../kinds.js';
import { QueueError } from '../queue.errors.js';
import type { SchemaAnswer, SchemaIssue, StandardSchema } from './standard-schema.js';

/** What a schema made of a value, or what is wrong with it: paths and messages, never the value. */
export type Fit<Parsed> = { value: Parsed; problem?: undefined } | { problem: string };

const MAX_ISSUES = 5;
const MAX_MESSAGE = 200;
const MAX_KEY = 60;
/** Parts of a wrong value that are looked for in a message. */
const MAX_PARTS = 100;

/** A schema may answer later, and most answer at once. */
export type Soon<Value> = Value | Promise<Value>;

/** Goes on at once where there is nothing to wait for. */
export function soon<Value, Next>(
  value: Soon<Value> | PromiseLike<Value>,
  next: (value: Value) => Soon<Next>,
): Soon<Next> {
  return isThenable(value) ? Promise.resolve(value).then(next) : next(value);
}

/** Asks a schema, which may answer later. What the schema throws is thrown. */
export function fitOf<Parsed>(
  schema: StandardSchema<unknown, Parsed>,
  value: unknown,
): Soon<Fit<Parsed>> {
  return soon(schema['~standard'].validate(value), (answer) => {
    const { issues } = checkedAnswer(answer);
    return issues
      ? { problem: problemOf(issues, value) }
      : { value: (answer as { value: Parsed }).value };
  });
}

/** A `validate` that returns true, or false, has not said what the value is: neither is a yes. */
function checkedAnswer(answer: SchemaAnswer<unknown>): SchemaAnswer<unknown> {
  if (typeof answer === 'object' && answer !== null)
    if (answer.issues ? Array.isArray(answer.issues) : 'value' in answer) return answer;
  const message = `The schema returned ${answer === null ? 'null' : `a value of type ${typeof answer}`}. By the Standard Schema specification validate() returns { value }, or { issues } with a list.`;
  throw new QueueError('INVALID_OPTION', message);
}

function problemOf(issues: readonly SchemaIssue[], value: unknown): string {
  const told = issues.slice(0, MAX_ISSUES).map((issue) => issueText(issue, value));
  const more = issues.length - told.length;
  return told.join('; ') + (more > 0 ? `; and ${more} more` : '');
}

function issueText({ message, path = [] }: SchemaIssue, value: unknown): string {
  const keys = path.map((part) => (typeof part === 'object' ? part.key : part));
  const wrong = keys.reduce<unknown>(
    (inside, key) => (inside as Record<PropertyKey, unknown> | null | undefined)?.[key],
    value,
  );
  const where = keys.map(keyText).join('').replace(/^\./, '');
  const what = cleanText(withoutParts(String(message), wrong), MAX_MESSAGE);
  return where ? `${where}: ${what}` : what;
}

function keyText(key: PropertyKey): string {
  return typeof key === 'number' ? `[${key}]` : `.${cleanText(String(key), MAX_KEY)}`;
}

/** Some libraries quote what they received (`Expected string but received "..."`); payloads stay out of messages and logs. */
function withoutParts(message: string, value: unknown): string {
  let text = message;
  for (const part of partsOf(value, [])) {
    if (typeof part === 'string')
      text = text.replaceAll(JSON.stringify(part), '"..."').replaceAll(`'${part}'`, "'...'");
    if (String(part).length > 1) text = text.replaceAll(String(part), '...');
    else if (/\w/.test(String(part)))
      text = text.replaceAll(new RegExp(`\\b${part}\\b`, 'g'), '...');
  }
  return text;
}

/** The texts and numbers in a value, at any depth, as far as it is small. */
function partsOf(value: unknown, parts: (string | number)[]): (string | number)[] {
  if (parts.length >= MAX_PARTS) return parts;
  if (typeof value === 'number' || (typeof value === 'string' && value !== '')) parts.push(value);
  else if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) partsOf(inner, parts);
  return parts;
}
