import type { EnqueueItem } from '../job/enqueue-options.js';
import { templateLabel, type AnyTemplate } from '../job/job-template.js';
import { quote } from '../job/names.js';
import { payloadText } from '../job/values/payload.js';
import { QueueError } from '../job/queue.errors.js';
import { isThenable } from '../job/kinds.js';
import { fitOf, soon, type Fit, type Soon } from '../job/values/schema-fit.js';
import type { AnySchema } from '../job/values/standard-schema.js';
import { capturedItem } from './captured-item.js';
import { checkItems, checkObject } from './option-checks.js';

/**
 * The item with what its template says: the name, and the defaults where the call says nothing. What was given is stored, not what the
 * schema makes of it: the handler's side asks the schema again.
 */
export function templatedItem(template: AnyTemplate, item: EnqueueItem): Soon<EnqueueItem> {
  checkObject('an item', item);
  const given = Object.fromEntries(
    Object.entries(item).filter(([, value]) => value !== undefined),
  ) as EnqueueItem;
  if (given.name !== undefined && given.name !== template.name)
    throw otherName(template, given.name);
  const checked = template.payload && checkPayload(template, template.payload, item.payload);
  if (!isThenable(checked)) return withDefaults(template, given, item.payload);
  const kept = capturedItem({ ...given, payload: item.payload });
  return Promise.resolve(checked).then(() => withDefaults(template, kept, kept.payload));
}

function withDefaults(template: AnyTemplate, given: EnqueueItem, payload: unknown): EnqueueItem {
  const { delayMs, ...defaults } = template.defaults;
  // A call that says when has said all of it.
  const delay = given.runAt === undefined && delayMs !== undefined ? { delayMs } : {};
  return { ...delay, ...defaults, ...given, payload, name: template.name };
}

/** All items, or the first error with the item's number. One after another: a schema may ask somebody. */
export function templatedItems(template: AnyTemplate, items: EnqueueItem[]): Soon<EnqueueItem[]> {
  checkItems(items);
  const made: EnqueueItem[] = [];
  while (made.length < items.length) {
    const item = numbered(made.length, () => templatedItem(template, items[made.length]!));
    if (isThenable(item)) return theRest(template, { items: captured(items, made), made, item });
    made.push(item);
  }
  return made;
}

/** What is asked later is asked of what was given. */
const captured = (items: EnqueueItem[], made: EnqueueItem[]): EnqueueItem[] =>
  items.map((item, index) => (index > made.length ? capturedItem(item) : item));

interface Rest {
  items: EnqueueItem[];
  made: EnqueueItem[];
  /** The next one, under way. */
  item: PromiseLike<EnqueueItem>;
}

async function theRest(template: AnyTemplate, { items, made, item }: Rest): Promise<EnqueueItem[]> {
  made.push(await item);
  while (made.length < items.length)
    made.push(await numbered(made.length, () => templatedItem(template, items[made.length]!)));
  return made;
}

function numbered<Value>(index: number, make: () => Soon<Value>): Soon<Value> {
  return mending(make, (error) => {
    if (!(error instanceof QueueError)) return error;
    return new QueueError(error.code, `Item ${index}: ${error.message}`, { cause: error.cause });
  });
}

/** The schema is asked about what the handler's side will read: the payload after its way through JSON. */
function checkPayload(template: AnyTemplate, schema: AnySchema, payload: unknown): Soon<void> {
  const read: unknown = JSON.parse(payloadText(payload, Infinity));
  const asked = mending(
    () => fitOf(schema, read),
    (error) => broken(template, error),
  );
  return soon(asked, (fit) => refuseMisfit(template, fit));
}

/** What is thrown, now or later, becomes what `instead` makes of it. */
function mending<Value>(
  work: () => Soon<Value>,
  instead: (error: unknown) => unknown,
): Soon<Value> {
  const fail = (error: unknown): never => {
    throw instead(error);
  };
  try {
    const value = work();
    return isThenable(value) ? Promise.resolve(value).catch(fail) : value;
  } catch (error) {
    return fail(error);
  }
}

function refuseMisfit(template: AnyTemplate, fit: Fit<unknown>): void {
  if (fit.problem === undefined) return;
  const message = `The payload does not fit the schema of ${templateLabel(template)} (asked as it arrives, after JSON): ${fit.problem}.`;
  throw new QueueError('INVALID_PAYLOAD', message);
}

function broken(template: AnyTemplate, cause: unknown): QueueError {
  const message = `The payload schema of ${templateLabel(template)} threw an error; see the cause. Nothing was stored.`;
  return new QueueError('INVALID_PAYLOAD', message, { cause });
}

function otherName(template: AnyTemplate, name: unknown): QueueError {
  const problem = `enqueue: the template ${templateLabel(template)} names its jobs itself, so name ${quote(name)} cannot be given.`;
  return new QueueError('INVALID_OPTION', problem);
}
