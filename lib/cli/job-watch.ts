import { isTerminal, KEPT_IN, TERMINAL_STATES } from '../job/job-state.js';
import {
  ListingRepository,
  type ListedRow,
  type ListRead,
} from '../storage/reading/listing.repository.js';
import type { Storage } from '../storage/storage.js';

/** What a look has found to have happened. `waiting`: given back, or due. `gone`: it ended and is not kept, or was deleted. */
export type WatchedKind =
  'started' | 'progress' | 'scheduled' | 'retrying' | 'waiting' | 'ended' | 'gone';

export interface WatchedEvent {
  kind: WatchedKind;
  id: string;
  /** As it is now; undefined: gone. */
  job?: ListedRow;
}

/** What one look brings; `full`: more ended since the last one than a look reads. */
export interface Look {
  events: WatchedEvent[];
  full: boolean;
}

export interface Watched {
  queue?: string;
  name?: string;
}

/** Of a live job at a look. */
interface Seen {
  standing: string;
  said: string;
}

/** Of a place that lists what comes next, or what came last. */
const MOST = 200;
/** What runs is bounded by the fleet's concurrency, and up to here by this. */
const MOST_RUNNING = 2_000;

const ARCHIVED = TERMINAL_STATES.filter((state) => KEPT_IN[state] === 'archive');

/**
 * Follows jobs by looking again and again along the indexes of the places where something happens: what runs, what is due soonest, and
 * the newest of what has ended. Nothing in the database reports events. A job that came, ran and went between two looks is found
 * by its end; one that had waited for long before is not, since the ends are listed by the age of their jobs.
 */
export class JobWatch {
  /** What was live at the last look, and how it was. */
  private live = new Map<string, Seen>();
  private ended = new Set<string>();
  /** Ends are news only behind this, by the database's clock: an old one can come among the newest when others are deleted. */
  private since: Date | undefined;
  private readonly listings = new ListingRepository(this.storage.database);

  constructor(
    private readonly storage: Storage,
    private readonly wanted: Watched,
  ) {}

  /** The first look reports nothing: it learns what there is. */
  async look(): Promise<Look> {
    const lanes = await this.lanes();
    const live = [...(await this.running(lanes)), ...(await this.scheduled(lanes))];
    const dead = await this.dead(lanes);
    const archived = await this.archived(lanes);
    const fresh = [...dead, ...archived].filter((id) => !this.ended.has(id));
    const asked = [...new Set([...live, ...this.live.keys(), ...fresh])];
    const rows = asked.length > 0 ? await this.listings.find(asked, {}) : [];
    const before = this.live;
    const isFirst = this.since === undefined;
    const events = isFirst ? [] : this.eventsOf(before, rows);
    this.remember(rows, [...dead, ...archived]);
    const full =
      !isFirst &&
      [dead, archived].some((ids) => ids.length === MOST && ids.every((id) => fresh.includes(id)));
    return { events, full };
  }

  private eventsOf(before: ReadonlyMap<string, Seen>, rows: ListedRow[]): WatchedEvent[] {
    const found = new Set(rows.map((row) => row.id));
    const gone = [...before.keys()]
      .filter((id) => !found.has(id))
      .map((id): WatchedEvent => ({ kind: 'gone', id }));
    const moved = rows.filter(
      (row) =>
        before.get(row.id)?.standing !== standing(row) && this.isNews(row, before.has(row.id)),
    );
    const spoken = rows.filter(
      (row) =>
        !moved.includes(row) && row.state === 'running' && said(row) !== before.get(row.id)?.said,
    );
    return [
      ...gone,
      ...moved.map((job): WatchedEvent => ({ kind: kindOf(job), id: job.id, job })),
      ...spoken.map((job): WatchedEvent => ({ kind: 'progress', id: job.id, job })),
    ].sort(byTime);
  }

  /** What was live and has ended is news; of the others, what ended behind all that was known at the start. */
  private isNews({ state, finished_at }: ListedRow, wasLive: boolean): boolean {
    return !isTerminal(state) || wasLive || finished_at! > this.since!;
  }

  private remember(rows: ListedRow[], ended: string[]): void {
    // What is ready waits in no place that is read: it is met again when it runs, or by its end.
    const live = rows.filter(({ state }) => state === 'running' || state === 'scheduled');
    this.live = new Map(live.map((row) => [row.id, { standing: standing(row), said: said(row) }]));
    // Also what a look at the live ones found: it was shown already.
    this.ended = new Set([
      ...ended,
      ...rows.filter(({ state }) => isTerminal(state)).map((row) => row.id),
    ]);
    this.since ??= rows.reduce(
      (latest, { finished_at: at }) => (at && at > latest ? at : latest),
      new Date(0),
    );
  }

  private lanes(): Promise<number[]> {
    return this.storage.lanes.numbersOf(this.wanted);
  }

  private running = async (lanes: number[]) =>
    idsOf(await this.listings.running({ lanes, limit: MOST_RUNNING }));
  private scheduled = async (lanes: number[]) =>
    idsOf(await this.listings.scheduled({ lanes, limit: MOST }));
  private dead = async (lanes: number[]) =>
    idsOf(await this.listings.deadLetters({ lanes, limit: MOST }));
  private archived = async (lanes: number[]) =>
    idsOf(await this.listings.archive({ lanes, limit: MOST }, { states: ARCHIVED }));
}

const idsOf = ({ found }: ListRead): string[] => found.map(({ id }) => id);

/** Changes whenever something has happened to it. */
const standing = ({ state, attempt, reschedules, run_at: runAt }: ListedRow): string =>
  [state, attempt, reschedules, state === 'scheduled' ? runAt.getTime() : ''].join(' ');

/** Changes whenever its run has stored how far it has come. */
const said = ({ progress }: ListedRow): string => progress?.at ?? '';

function kindOf({ state, last_error: error }: ListedRow): WatchedKind {
  if (isTerminal(state)) return 'ended';
  if (state === 'running') return 'started';
  if (state === 'scheduled') return error ? 'retrying' : 'scheduled';
  return 'waiting';
}

const timeOf = ({ job }: WatchedEvent): number => job?.finished_at?.getTime() ?? Infinity;

/** Ends in their order; of the rest only the look knows when. */
const byTime = (a: WatchedEvent, b: WatchedEvent): number =>
  timeOf(a) === timeOf(b) ? 0 : timeOf(a) - timeOf(b);
