import type { EnqueueItem } from '../job/enqueue-options.js';
import { templateLabel, type AnyTemplate } from '../job/job-template.js';
import { quote } from '../job/names.js';
import { payloadText } from '../job/payload.js';
import { QueueError } from '../job/queue.errors.js';
import { fitOf } from '../job/schema-fit.js';
import type { AnySchema } from '../job/standard-schema.js';
import { checkItems, checkObject } from './option-checks.js';

/**
 * The item with what its template says: the name, and the defaults where the call says nothing. What was given is stored, not what the
 * schema makes of it: the handler's side asks the schema again.
 */
export async function templatedItem(template: AnyTemplate, item: EnqueueItem): Promise<EnqueueItem> {
  checkObject('an item', item);
  const given = Object.fromEntries(Object.entries(item).filter(([, value]) => value !== undefined)) as EnqueueItem;
  if (given.name !== undefined && given.name !== template.name) throw otherName(template, given.name);
  if (template.payload) await checkPayload(template, template.payload, item.payload);
  const { delayMs, ...defaults } = template.defaults;
  // A call that says when has said all of it.
  const delay = given.runAt === undefined && delayMs !== undefined ? { delayMs } : {};
  return { ...delay, ...defaults, ...given, payload: item.payload, name: template.name };
}

/** All items, or the first error with the item's number. */
export async function templatedItems(template: AnyTemplate, items: EnqueueItem[]): Promise<EnqueueItem[]> {
  checkItems(items);
  const made: EnqueueItem[] = [];
  for (const [index, item] of items.entries()) made.push(await templatedItem(template, item).catch(atItem(index)));
  return made;
}

const atItem =
  (index: number) =>
  (error: unknown): never => {
    if (!(error instanceof QueueError)) throw error;
    throw new QueueError(error.code, `Item ${index}: ${error.message}`, { cause: error.cause });
  };

/** The schema is asked about what the handler's side will read: the payload after its way through JSON. */
async function checkPayload(template: AnyTemplate, schema: AnySchema, payload: unknown): Promise<void> {
  const read: unknown = JSON.parse(payloadText(payload, Infinity));
  const fit = await fitOf(schema, read).catch((error: unknown) => {
    throw broken(template, error);
  });
  if (fit.problem === undefined) return;
  const message = `The payload does not fit the schema of ${templateLabel(template)} (asked as it arrives, after JSON): ${fit.problem}.`;
  throw new QueueError('INVALID_PAYLOAD', message);
}

function broken(template: AnyTemplate, cause: unknown): QueueError {
  const message = `The payload schema of ${templateLabel(template)} failed instead of answering; see the cause. Nothing was stored.`;
  return new QueueError('INVALID_PAYLOAD', message, { cause });
}

function otherName(template: AnyTemplate, name: unknown): QueueError {
  const problem = `enqueue: the template ${templateLabel(template)} names its jobs itself, so name ${quote(name)} cannot be given.`;
  return new QueueError('INVALID_OPTION', problem);
}
