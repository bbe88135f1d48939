import { hintFor } from './hint.js';

/** Says what is wrong with the value at `path`: nothing, one thing or several. Rules compose and never throw. */
export type Rule = (value: unknown, path: string) => string[];

/** A whole number from `min` to `max`. */
export function whole(min: number, max: number): Rule {
  return must(
    (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
    () => `a whole number from ${grouped(min)} to ${grouped(max)}`,
  );
}

export const yesOrNo = must((value) => typeof value === 'boolean', 'true or false');

export const callable = must((value) => typeof value === 'function', 'a function');

export function oneOf(...words: string[]): Rule {
  return must(
    (value) => words.includes(value as string),
    words.map((word) => `"${word}"`).join(' or '),
  );
}

/** For whatever no other rule says; `wanted` ends the sentence "x must be ...". A function: only a problem asks for it. */
export function must(holds: (value: unknown) => boolean, wanted: string | (() => string)): Rule {
  return (value, path) => {
    if (holds(value)) return [];
    const what = typeof wanted === 'string' ? wanted : wanted();
    return [`${path} must be ${what}, not ${shown(value)}`];
  };
}

/** What a checking function throws is the problem. */
export function passes(check: (value: never) => unknown): Rule {
  return (value, path) => {
    try {
      check(value as never);
      return [];
    } catch (error) {
      return [
        `${path}: ${error instanceof Error ? error.message.replace(/\.$/, '') : 'cannot be checked'}`,
      ];
    }
  };
}

/** `false` (or, with `orTrue`, either), or what `rule` lets in. */
export function orFalse(rule: Rule, orTrue = false): Rule {
  const words = orTrue ? 'true, false' : 'false';
  return (value, path) =>
    value === false || (orTrue && value === true)
      ? []
      : rule(value, path).map((problem) =>
          problem.replace(`${path} must be `, `${path} must be ${words} or `),
        );
}

/** At least one item, each by `rule`. */
export function listOf(rule: Rule): Rule {
  const list = must(
    (value) => Array.isArray(value) && value.length > 0,
    'a list with at least one item',
  );
  return (value, path) => {
    const problems = list(value, path);
    return problems.length > 0
      ? problems
      : (value as unknown[]).flatMap((item, index) => rule(item, `${path}[${index}]`));
  };
}

/** An object of free keys: `key` checks each key, `rule` each value. */
export function mapOf(key: Rule, rule: Rule): Rule {
  return (value, path) => {
    if (!isObject(value)) return [`${path} must be an object, not ${shown(value)}`];
    return Object.entries(value).flatMap(([name, field]) => [
      ...key(name, path),
      ...rule(field, `${path}.${name}`),
    ]);
  };
}

/** An object of known keys. Unknown ones are named with the nearest known; `undefined` counts as not given. */
export function shape(
  rules: Readonly<Record<string, Rule>>,
  required: readonly string[] = [],
): Rule {
  return (value, path) => {
    if (!isObject(value))
      return [`${path || 'the options'} must be an object${membersOf(rules)}, not ${shown(value)}`];
    const at = (key: string): string => (path ? `${path}.${key}` : key);
    const missing = required
      .filter((key) => value[key] === undefined)
      .map((key) => `${at(key)} is missing`);
    return [
      ...missing,
      ...Object.entries(value).flatMap(([key, field]) => fieldProblems(rules, key, field, at(key))),
    ];
  };
}

/** Of a small one. */
function membersOf(rules: object): string {
  const names = Object.keys(rules);
  return names.length < 5 ? ` { ${names.join(', ')} }` : '';
}

function fieldProblems(
  rules: Readonly<Record<string, Rule>>,
  key: string,
  value: unknown,
  path: string,
): string[] {
  const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
  if (!rule) return [`${path.slice(0, 120)} is not known (${hintFor(key, Object.keys(rules))})`];
  return value === undefined ? [] : rule(value, path);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Numbers and booleans as they are, short strings in quotes, of the rest only the kind: options hold secrets. */
function shown(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null)
    return String(value);
  if (typeof value === 'string')
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  return value === undefined ? 'undefined' : `a value of type ${typeof value}`;
}

const grouped = (value: number): string => value.toLocaleString('en-US');
