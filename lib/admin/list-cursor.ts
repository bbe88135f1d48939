import { QueueError } from '../job/queue.errors.js';
import { isText } from '../job/values/text.js';
import type { ListKey } from '../storage/reading/listing.repository.js';

/** Where a list goes on: in which of its sections, and behind which key. */
export interface Cursor {
  section: string;
  /** undefined: at the section's start. */
  key?: ListKey;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** timestamptz as PostgreSQL writes it. */
const MOMENT = /^[1-9]\d{3}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00$/;

export function cursorText({ section, key }: Cursor): string {
  const { id, at, priority } = key ?? {};
  return Buffer.from(JSON.stringify([section, id, at, priority])).toString('base64url');
}

/** Its place has the name of a group or a key in it. */
export const namesPlace = (cursor: string): boolean => {
  const [section] = partsOf(cursor);
  return typeof section !== 'string' || Object.hasOwn(PARTS, section);
};

/** What comes back from a caller is checked like anything else: it may be of another filter, or of nobody. */
export function parseCursor(text: string, sections: readonly string[]): Cursor {
  const [section, id, at, priority] = partsOf(text);
  const fits =
    typeof section === 'string' &&
    sections.includes(section) &&
    (id === null || isKey({ id, at, priority }, section));
  if (!fits)
    throw new QueueError(
      'INVALID_OPTION',
      'jobs: page.after is not the `next` of a page of this filter.',
    );
  if (id === null) return { section };
  return { section, key: { id, at: at ?? undefined, priority: priority ?? undefined } as ListKey };
}

function partsOf(text: string): unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return Array.isArray(parts) ? (parts as unknown[]) : [];
  } catch {
    return [];
  }
}

function isKey({ id, at, priority }: Record<string, unknown>, section: string): boolean {
  const hasTime = isMoment(at);
  const hasPriority = Number.isInteger(priority) && Math.abs(priority as number) <= 32_768;
  if (typeof id !== 'string' || !UUID.test(id)) return false;
  const parts = PARTS[section];
  if (parts) return hasParts(at, parts);
  if (section === 'ready') return hasTime && hasPriority && priority !== 32_768;
  return section === 'scheduled' ? hasTime : true;
}

/** Sections whose keys have several parts, as JSON in `at`. */
const PARTS: Readonly<Record<string, readonly ((part: unknown) => boolean)[]>> = {
  blocked: [isText, isWhole, (part) => typeof part === 'string' && /^\d{1,18}$/.test(part)],
  keyed: [isText, isWhole, isPriority, isMoment],
  fair: [isWhole, isText, isPriority, isMoment],
  'lanes of fair': [isWhole, isText, isPriority, isMoment],
  'lanes of ready': [isWhole, isPriority, isMoment],
  'lanes of suspect': [isWhole, isPriority, isMoment],
};

function hasParts(at: unknown, rules: readonly ((part: unknown) => boolean)[]): boolean {
  if (typeof at !== 'string' || at.length > 4_000) return false;
  try {
    const parts: unknown = JSON.parse(at);
    return (
      Array.isArray(parts) &&
      parts.length === rules.length &&
      rules.every((fits, index) => fits(parts[index]))
    );
  } catch {
    return false;
  }
}

function isWhole(part: unknown): part is number {
  return Number.isInteger(part) && Math.abs(part as number) < 2 ** 31;
}

function isPriority(part: unknown): boolean {
  return isWhole(part) && part >= -32_768 && part <= 32_767;
}

function isMoment(part: unknown): part is string {
  if (typeof part !== 'string' || !MOMENT.test(part)) return false;
  const date = new Date(`${part.replace(' ', 'T')}:00`);
  // JavaScript takes the 31st of February for the 3rd of March.
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(part.slice(0, 10));
}
