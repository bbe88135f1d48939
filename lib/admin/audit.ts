import { AsyncLocalStorage } from 'node:async_hooks';
import { checkId, checkQueueName } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import { setAges } from '../runtime/ago.js';
import { passes, shape, whole, type Rule } from '../runtime/rules.js';
import { oneLine } from '../runtime/words.js';
import { timeOf } from '../storage/connection/database-time.js';
import type { ActRow } from '../storage/operate/audit.repository.js';
import type { Storage } from '../storage/storage.js';
import { moment, refuse, text } from './checks.js';

/** Something that an operator did, or tried. */
export interface OperatorAction {
  id: string;
  at: Date;
  /** Whom the dashboard, the command line or `QueueAdmin.as` named; `application` where nobody was. */
  actor: string;
  action: string;
  /** What it was done to: names, ids, filters. Never a payload, nor what one was searched for. */
  selector: Record<string, unknown>;
  /** How many of what, where the act counts. */
  counts?: Record<string, number>;
  /** The code of what kept it from being done. */
  failed?: string;
  /** Missing: it goes on, or its process died under it. */
  endedAt?: Date;
}

/** Which acts: each part that is given narrows the choice. */
export interface AuditFilter {
  actor?: string;
  action?: string;
  queue?: string;
  since?: Date;
}

/** Which page of the audit. */
export interface AuditPage {
  /** 1 to 500; default 50. */
  limit?: number;
  /** The id of the last act of the page before. */
  after?: string;
}

const PAGE = 50;
const FILTER = shape({ actor: text, action: text, queue: passes(checkQueueName), since: moment } satisfies Record<keyof AuditFilter, Rule>); // prettier-ignore
const PAGES = shape({ limit: whole(1, 500), after: passes(checkId) } satisfies Record<keyof AuditPage, Rule>); // prettier-ignore

const NOBODY = 'application';
/** Within an act: what it does by other acts is a part of it. */
const within = new AsyncLocalStorage<true>();

/** Writes down who does what. */
export class Audit {
  constructor(
    private readonly storage: Storage,
    private readonly actor = NOBODY,
  ) {}

  /**
   * The row is there before the work begins, so that nothing is done that nobody knows of. One that cannot be completed stays without an end.
   */
  async act<T>(action: string, selector: object, work: () => Promise<T>): Promise<T> {
    if (within.getStore()) return work();
    const { audit } = this.storage;
    const id = await audit.begin({ actor: this.actor, action, selector: bounded(selector) });
    const end = (outcome: Parameters<typeof audit.end>[1]): Promise<void> => audit.end(id, outcome).catch(() => undefined); // prettier-ignore
    try {
      const done = await within.run(true, work);
      await end({ counts: countsOf(done) });
      return done;
    } catch (error) {
      await end({ failed: error instanceof QueueError ? error.code : 'ERROR' });
      throw error;
    }
  }

  /** Whoever only counts does nothing. */
  onMany<T>(
    action: string,
    filter: object,
    { dryRun }: { dryRun?: boolean },
    work: () => Promise<T>,
  ): Promise<T> {
    return dryRun ? work() : this.act(action, filter, work);
  }

  async list(filter: AuditFilter, page: AuditPage): Promise<OperatorAction[]> {
    refuse('audit', [...FILTER(filter, 'filter'), ...PAGES(page, 'page')]);
    const { limit = PAGE, after } = page;
    await setAges(filter, () => timeOf(this.storage.database.callers.run));
    return (await this.storage.audit.list({ ...filter, after, limit })).map(actionOf);
  }
}

function actionOf({ counts, failed, endedAt, ...row }: ActRow): OperatorAction {
  const known = Object.entries({ counts, failed, endedAt }).filter(([, value]) => value !== null);
  return { ...row, ...Object.fromEntries(known) };
}

/** Numbers of an answer, how long its lists are, and what was done or not: nobody shall read that something was done where nothing was. */
function countsOf(answer: unknown): Record<string, number> {
  const { counts = answer } = (answer ?? {}) as { counts?: unknown };
  const known: [string, number][] = [];
  for (const [name, value] of Object.entries(Object(counts) as Record<string, unknown>)) {
    const count = countOf(value);
    if (count !== undefined) known.push([oneLine(name, LONGEST), count]);
    else if (name === 'outcome') known.push([oneLine(String(value), LONGEST), 1]);
  }
  return Object.fromEntries(known.slice(0, MOST));
}

function countOf(value: unknown): number | undefined {
  if (typeof value === 'boolean' || value === null) return Number(value);
  if (Array.isArray(value)) return value.length;
  return typeof value === 'number' ? value : undefined;
}

const MOST = 20;
const DEEP = 3;
const LONGEST = 200;
const LARGEST = 8_000;
/** `value` is that of a condition on a payload or an output. */
const HIDDEN = /^(payload(Text)?|value)$/;

/** What is said of an act: no payload, no value that one was searched for, and not more than a row should hold. */
function bounded(selector: object): Record<string, unknown> {
  const short = membersOf(selector, 0);
  const { length } = JSON.stringify(short);
  return length <= LARGEST ? short : { tooLong: length };
}

function part(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return oneLine(value, LONGEST);
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (typeof value !== 'object' || value === null) return null;
  if (depth > DEEP) return '...';
  return Array.isArray(value) ? itemsOf(value, depth) : membersOf(value, depth);
}

function itemsOf(list: unknown[], depth: number): unknown[] {
  const more = list.length - MOST;
  const some = list.slice(0, MOST).map((each) => part(each, depth + 1));
  return more > 0 ? [...some, `and ${more} more`] : some;
}

function membersOf(value: object, depth: number): Record<string, unknown> {
  const members = Object.entries(value).filter(([, of]) => of !== undefined);
  const some = members
    .slice(0, MOST)
    .map(([name, of]): [string, unknown] => [
      oneLine(name, LONGEST),
      HIDDEN.test(name) ? '...' : part(of, depth + 1),
    ]);
  return Object.fromEntries(some);
}
