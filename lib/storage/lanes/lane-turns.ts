import { type Lane, serves } from '../../job/lane.js';
import { MAX_LANES } from './lane-bounds.js';
import type { Lanes, ServedLanes } from './lanes.js';

/** Of the lanes asked for at once: the oldest have one half, those in which jobs wait the other. */
const HALF = MAX_LANES / 2;
/** Steps of one look go on from page to page up to here. */
const MAX_PAGES = 50;
/** How often it is asked which the oldest are. */
const LIST_MS = 30_000;
/** How often it is asked in which lanes jobs wait; where that is dear, it takes 5 % of the time, and waits for no more than this. */
const TURN_MS = 1_000;
const MAX_TURN_MS = 5_000;
const BACK_OFF = 20;

/**
 * The lanes that somebody serves. Where they are more than may be asked for at once, those in which jobs wait come first, and where these are
 * too many as well, in turns: none waits for ever behind older ones.
 */
export class LaneTurns {
  /** There are more than `MAX_LANES`. */
  isCut = false;
  private listed: Lane[] = [];
  private listedAt = -Infinity;
  private dueAt = 0;
  /** The same where those of the last turn have nothing left. */
  private idleDueAt = 0;
  /** How far the look for lanes with jobs has come. */
  private after = 0;

  constructor(
    private readonly lanes: Lanes,
    private readonly labels: ReadonlySet<string>,
  ) {}

  /** The lanes take turns, and it is time for the next one: soon where jobs waited in lanes that have none any more (`isIdle`). */
  isDue(isIdle: boolean): boolean {
    return this.isCut && performance.now() >= (isIdle ? this.idleDueAt : this.dueAt);
  }

  async read(wishes: readonly ServedLanes[]): Promise<Lane[]> {
    const beganAt = performance.now();
    if (!this.isCut || beganAt - this.listedAt > LIST_MS) {
      this.listed = await this.lanes.served(wishes, [...this.labels]);
      this.isCut = this.listed.length === MAX_LANES;
      this.listedAt = beganAt;
    }
    if (!this.isCut) return this.listed;
    this.listed.length = HALF;
    const askedAt = performance.now();
    const lanes = await this.withJobs(wishes);
    const now = performance.now();
    const costMs = now - askedAt;
    this.dueAt = now + Math.min(MAX_TURN_MS, Math.max(TURN_MS, BACK_OFF * costMs));
    this.idleDueAt = lanes.length > HALF ? now + Math.max(TURN_MS, costMs) : this.dueAt;
    return lanes;
  }

  private async withJobs(wishes: readonly ServedLanes[]): Promise<Lane[]> {
    const found = new Map(this.listed.map((lane) => [lane.id, lane]));
    let laps = this.after === 0 ? 1 : 2;
    for (let page = 0; page < MAX_PAGES && laps > 0 && found.size < MAX_LANES; page++) {
      const { lanes, next } = await this.lanes.withJobs(this.after);
      this.after = next;
      if (next === 0) laps--;
      for (const lane of lanes.filter((lane) => this.isMeant(wishes, lane))) {
        if (found.size < MAX_LANES) found.set(lane.id, lane);
        else if (!found.has(lane.id)) return this.upTo(lane, found);
      }
    }
    return [...found.values()];
  }

  /** The next turn begins with this one. */
  private upTo({ id }: Lane, found: ReadonlyMap<number, Lane>): Lane[] {
    this.after = id - 1;
    return [...found.values()];
  }

  private isMeant(wishes: readonly ServedLanes[], lane: Lane): boolean {
    const { labels } = this;
    return wishes.some(
      ({ queue, name }) =>
        (name ?? lane.name) === lane.name && serves({ queues: [queue], labels }, lane),
    );
  }
}
