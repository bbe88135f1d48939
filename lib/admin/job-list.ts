import { setAges } from '../runtime/ago.js';
import { timeOf } from '../storage/connection/database-time.js';
import {
  isTerminal,
  KEPT_IN,
  LIVE_STATES,
  LOST,
  TERMINAL_STATES,
  type JobState,
} from '../job/job-state.js';
import {
  ListingRepository,
  type ListKey,
  type ListRead,
  type ListWish,
} from '../storage/reading/listing.repository.js';
import type { Storage } from '../storage/storage.js';
import type { CheckedFilter } from './job-filter.js';
import { meets } from './field-conditions.js';
import { cursorText, parseCursor, type Cursor } from './list-cursor.js';
import { listedJob, type ListedJob } from './listed-job.js';

/** One page of jobs. It may be shorter than asked for, even empty, while `next` says that there is more to read. */
export interface JobPageAnswer {
  jobs: ListedJob[];
  /** Give it as `after`; undefined: that was all. */
  next?: string;
  /** How many jobs it looked at, at least. */
  looked: number;
}

/** A place where jobs stand, and how to read along its index. */
interface Section {
  name: string;
  /** undefined: any. */
  states?: readonly JobState[];
  read(listings: ListingRepository, wish: ListWish, filter: CheckedFilter): Promise<ListRead>;
  /** It reads all lanes side by side: where there are more than can be, they come one after another. */
  place?: 'suspect' | 'ready' | 'fair';
}

interface Query {
  filter: CheckedFilter;
  sections: readonly Section[];
  /** Lanes that the filter wants; undefined: it names none, so all. */
  lanes: number[] | undefined;
  /** The same, or all; undefined: too many to be read side by side. */
  merged: number[] | undefined;
}

const keptIn = (table: 'archive' | 'dead_letter'): JobState[] =>
  TERMINAL_STATES.filter((state) => KEPT_IN[state] === table);

/** In the order in which they are listed. `lanes` is the list of the filter's lanes, or of all where a place is read lane by lane. */
const PLACES: readonly Section[] = [
  {
    name: 'running',
    states: ['running'],
    read: (listings, wish, filter) => listings.running(wish, filter),
  },
  {
    name: 'suspect',
    place: 'suspect',
    states: ['ready'],
    read: (listings, wish) => listings.suspects(wish),
  },
  {
    name: 'ready',
    place: 'ready',
    states: ['ready'],
    read: (listings, wish) => listings.ready(wish),
  },
  {
    name: 'fair',
    place: 'fair',
    states: ['ready'],
    read: (listings, wish) => listings.fair(wish),
  },
  { name: 'scheduled', states: ['scheduled'], read: (listings, wish) => listings.scheduled(wish) },
  { name: 'blocked', states: ['blocked'], read: (listings, wish) => listings.blocked(wish) },
  { name: 'keyed', states: ['blocked'], read: (listings, wish) => listings.keyed(wish) },
  { name: 'staged', states: ['staged'], read: (listings, wish) => listings.staged(wish) },
  {
    name: 'dead',
    states: keptIn('dead_letter'),
    read: (listings, wish) => listings.deadLetters(wish),
  },
  {
    name: 'archive',
    states: keptIn('archive'),
    read: (listings, wish, { states = keptIn('archive'), ...filter }) =>
      listings.archive(wish, { ...filter, states }),
  },
  // It walks all live jobs, so it comes last.
  { name: 'lost', states: [LOST], read: (listings, wish) => listings.lost(wish) },
];

/** Read along the filter's text, whatever the state; of a group or a workflow only what lives, and then what is kept of others. */
const BY_TEXT = (['errorKey', 'uniqueKey', 'fingerprint', 'group', 'workflowId'] as const).map(
  (part): { part: typeof part; section: Section } => ({
    part,
    section: {
      name: part,
      ...(part === 'group' || part === 'workflowId' ? { states: [...LIVE_STATES, LOST] } : {}),
      read: (listings, wish, filter) => listings.by(part, filter[part]!, wish),
    },
  }),
);

const BY_ID: Section = {
  name: 'id',
  read: (_, { after }, { id }) =>
    Promise.resolve(after ? { found: [], looked: 0 } : { found: [{ id: id! }], looked: 1 }),
};

/** Lanes that are read side by side, in the order in which their jobs would run. */
const MOST_MERGED = 1_000;
/** Before the name of a place in a cursor: its lanes come one after another. A list goes on as it began. */
const BY_LANE = 'lanes of ';

/** Reads of one page, each place once: where a filter finds little, the page is short rather than late. */
const MAX_READS = PLACES.length;
/** Jobs that the reads of one page look at, and of which it asks what they are and hold: a thing of a second with 10,000 that run. */
const [MAX_LOOKED, MAX_ASKED] = [100_000, 700];
/** A read brings at least this many, since a filter may want few of them; the first one, and those behind it. */
const [MIN_READ, MIN_NEXT] = [100, 300];

/** Lists jobs page by page along the indexes of the places where they stand; no read is larger than its bound. */
export class JobList {
  private readonly listings = new ListingRepository(this.storage.database);

  constructor(private readonly storage: Storage) {}

  /** @throws QueueError `INVALID_OPTION` for an `after` that no page of this filter gave. */
  async page(filter: CheckedFilter, limit: number, after?: string): Promise<JobPageAnswer> {
    // Ages count by the clock that the jobs have.
    await setAges(filter, () => timeOf(this.storage.database.callers.run));
    const query = await this.queryOf(filter);
    const names = query.sections.flatMap(({ name, place }) =>
      place ? [name, BY_LANE + name] : [name],
    );
    let cursor = after === undefined ? startOf(query) : parseCursor(after, names);
    const page: Page = { jobs: new Map(), limit, looked: 0, asked: 0 };
    const goesOn = () =>
      page.jobs.size < limit && page.looked < MAX_LOOKED && page.asked < MAX_ASKED;
    for (let reads = 0; cursor && goesOn() && reads < MAX_READS; reads++)
      cursor = await this.read(query, cursor, { page, atLeast: reads === 0 ? MIN_READ : MIN_NEXT });
    const { jobs, looked } = page;
    return { jobs: [...jobs.values()], ...(cursor ? { next: cursorText(cursor) } : {}), looked };
  }

  /** All jobs of a filter, in batches of at most `size`. What the caller does to one batch does not disturb the next. */
  async *batches(filter: CheckedFilter, size: () => number): AsyncGenerator<ListedJob[]> {
    let after: string | undefined;
    do {
      const page = await this.page(filter, size(), after);
      if (page.jobs.length > 0) yield page.jobs;
      after = page.next;
    } while (after !== undefined && size() > 0);
  }

  /** Adds what one read finds; returns where to go on. */
  private async read(
    query: Query,
    cursor: Cursor,
    { page, atLeast }: { page: Page; atLeast: number },
  ): Promise<Cursor | undefined> {
    const isByLane = cursor.section.startsWith(BY_LANE);
    const name = isByLane ? cursor.section.slice(BY_LANE.length) : cursor.section;
    const index = query.sections.findIndex((section) => section.name === name);
    const wish = {
      lanes: query.lanes,
      after: cursor.key,
      limit: Math.max(atLeast, page.limit - page.jobs.size),
    };
    const { found, end, looked } = await this.readOf(query, query.sections[index]!, wish, isByLane);
    page.looked += looked;
    page.asked += found.length;
    const last = await this.collect(found, query.filter, page);
    const key = last ?? end;
    return key ? { section: cursor.section, key } : startOf(query, index + 1);
  }

  private async readOf(
    { filter, merged }: Query,
    section: Section,
    wish: ListWish,
    isByLane: boolean,
  ): Promise<ListRead> {
    const { listings } = this;
    const { lanes } = this.storage;
    if (!section.place) return section.read(listings, wish, filter);
    if (isByLane) return listings.byLane(section.place, wish);
    return section.read(
      listings,
      { ...wish, lanes: merged ?? (await lanes.numbersOf(filter)) },
      filter,
    );
  }

  /** The key of the job that filled the page, if one did. */
  private async collect(
    keys: ListKey[],
    filter: CheckedFilter,
    { jobs, limit }: Page,
  ): Promise<ListKey | undefined> {
    if (keys.length === 0) return undefined;
    const ids = keys.map((key) => key.id);
    const rows = new Map((await this.listings.find(ids, filter)).map((row) => [row.id, row]));
    for (const key of keys) {
      const row = rows.get(key.id);
      if (row && meets(filter.where ?? [], row.fields)) jobs.set(row.id, listedJob(row));
      if (jobs.size === limit) return key;
    }
    return undefined;
  }

  /** Numbers whose lane somebody has deleted: what stands there has no name or label any more. */
  private async laneless({ name, label }: CheckedFilter): Promise<number[]> {
    return name === undefined && label === undefined ? this.listings.laneless(MOST_MERGED) : [];
  }

  private async queryOf(filter: CheckedFilter): Promise<Query> {
    const isNamed = (filter.queue ?? filter.name ?? filter.label) !== undefined;
    const { lanes } = this.storage;
    const known = await lanes.numbersOf(filter, MOST_MERGED + 1);
    const some = [...known, ...(await this.laneless(filter))];
    const isMany = known.length > MOST_MERGED;
    const named = isMany && isNamed ? await lanes.numbersOf(filter) : some;
    return {
      filter,
      lanes: isNamed ? named : undefined,
      merged: isMany ? undefined : some,
      sections: isNamed && named.length === 0 ? [] : sectionsOf(filter),
    };
  }
}

/** A page as it fills. */
interface Page {
  jobs: Map<string, ListedJob>;
  limit: number;
  looked: number;
  asked: number;
}

function startOf({ sections, merged }: Query, index = 0): Cursor | undefined {
  const next = sections[index];
  return next && { section: `${next.place && !merged ? BY_LANE : ''}${next.name}` };
}

/** A worker has what runs there, and what ended there. */
const OF_WORKERS: readonly JobState[] = ['running', ...TERMINAL_STATES];

function sectionsOf({ states, ...filter }: CheckedFilter): readonly Section[] {
  if (filter.id !== undefined) return [BY_ID];
  const by = BY_TEXT.find(({ part }) => filter[part] !== undefined)?.section;
  if (by && !by.states) return [by];
  const places = by ? [by, ...PLACES.filter(({ states: own }) => own?.some(isTerminal))] : PLACES;
  const wanted = states ?? meant(filter);
  return wanted
    ? places.filter(({ states: own }) => own?.some((state) => wanted.includes(state)))
    : places;
}

/** Of a filter that names no state; undefined: any. */
function meant(filter: CheckedFilter): readonly JobState[] | undefined {
  if (filter.finishedAfter ?? filter.finishedBefore) return TERMINAL_STATES;
  return filter.worker === undefined ? undefined : OF_WORKERS;
}
