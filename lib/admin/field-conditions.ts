import { isText } from '../job/values/text.js';
import { listOf, must, oneOf, shape, type Rule } from '../runtime/rules.js';

/** The longer ones first: a text is read by its beginning. */
export const COMPARISONS = ['!=', '>=', '<=', '=', '>', '<'] as const;
type Comparison = (typeof COMPARISONS)[number];

/** What a part of a payload or an output must be. */
export interface FieldCondition {
  of: 'payload' | 'output';
  /** Names of properties, and positions in lists. */
  path: string[];
  comparison: Comparison;
  /** As text: `42` is the number and the text. */
  value: string;
}

const MOST = 10;
const MOST_TEXT = 500;

const clean = must(
  (value) => isText(value, MOST_TEXT),
  `a text of at most ${MOST_TEXT} characters`,
);
const some = listOf(
  shape(
    {
      of: oneOf('payload', 'output'),
      path: listOf(clean),
      comparison: oneOf(...COMPARISONS),
      value: clean,
    } satisfies Record<keyof FieldCondition, Rule>,
    ['of', 'path', 'comparison', 'value'],
  ),
);
const few = must(
  (value) => !Array.isArray(value) || value.length <= MOST,
  `a list of at most ${MOST}`,
);

export const CONDITIONS: Rule = (value, path) => [...few(value, path), ...some(value, path)];

/** `found`: the JSON text of each condition's value, in their order; null where the job has none. */
export function meets(conditions: readonly FieldCondition[], found: (string | null)[]): boolean {
  return conditions.every((condition, index) => holds(condition, found[index] ?? null));
}

function holds({ comparison, value }: FieldCondition, json: string | null): boolean {
  if (json === null) return false;
  const text = scalarOf(json);
  if (comparison === '=') return isSame(text, value);
  if (comparison === '!=') return !isSame(text, value);
  const [a, b] = isNumber(text) && isNumber(value) ? [Number(text), Number(value)] : [text, value];
  return ORDERED[comparison](a, b);
}

const ORDERED: Record<'>' | '>=' | '<' | '<=', <T extends string | number>(a: T, b: T) => boolean> =
  {
    '>': (a, b) => a > b,
    '>=': (a, b) => a >= b,
    '<': (a, b) => a < b,
    '<=': (a, b) => a <= b,
  };

const isNumber = (text: string): boolean => text.trim() !== '' && !Number.isNaN(Number(text));

/** Large integers by their digits, since a Number of them is another's, too. */
const isSame = (a: string, b: string): boolean =>
  a === b ||
  (isNumber(a) &&
    isNumber(b) &&
    Number(a) === Number(b) &&
    Number.isSafeInteger(Math.trunc(Number(a))));

/** Without the quotes of a text; what is no whole JSON was cut, since it is long. */
function scalarOf(json: string): string {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'string' ? value : json;
  } catch {
    return json;
  }
}
