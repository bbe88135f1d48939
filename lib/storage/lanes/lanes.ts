import { NO_LABELS } from '../../job/values/labels.js';
import type { Kept, Lane, LaneName } from '../../job/lane.js';
import { isPattern } from '../../job/values/queue-pattern.js';
import { DatabaseError } from '../connection/database-errors.js';
import type { Database, Run } from '../connection/database.js';
import {
  LANES_BY_NUMBER,
  LIST_LANE_NUMBERS,
  LIST_LANES,
  LIST_LANES_WITH_JOBS,
  LIST_QUEUE_NAMES,
  NOTE_SERVED_LANES,
} from './list-lanes.sql.js';
import { FIND_LANES, LOCK_LANES, LOOK_UP_LANE, REGISTER_LANES, REGISTER_QUEUES } from './register-lanes.sql.js'; // prettier-ignore
import { SHARD } from '../connection/shard.js';
import { blocked, isBlocked } from './blocked-registration.js';
import { MANY_LANES, manyLanes, MAX_LABELLED_LANES, MAX_LANES, servedLanes, tooMany } from './lane-bounds.js'; // prettier-ignore
import { columnsOf, keyOf } from './lane-names.js';
import type { UnservedLanes } from './unserved-lanes.js';

/** A lane, and whether the ends of its jobs are stored as jobs of another queue. */
export type NumberedLane = Lane & { hasOutcomes?: boolean };

/** A job that may not have its lane yet. */
type Laneless = LaneName & { lane: Lane | undefined };

/** A lane by name, and how many its queue has. */
type Found = Omit<Lane, 'kept'> & {
  lanes: number;
  fresh: boolean;
  kept: { ms: number; agoMs: number }[] | null;
};

/** Lanes that somebody serves: of a queue or of a pattern; `name` undefined: whatever their name. */
export interface ServedLanes {
  queue: string;
  name?: string | undefined;
}

const MAX_LISTED = 100_000;
const MAX_NAMES = 10_000;
/** Steps of one look for lanes with jobs. */
const MAX_STEPS = 1_000;

/** A registration that went well and left no lane: refused for the number of them, or taken back meanwhile. */
const MAX_ROUNDS = 3;

const LOCKED = '55P03';
/** A number that was taken by chance, a queue that went meanwhile. */
const DRAWN_AGAIN = new Set<string | undefined>(['23505', '23503']);

/**
 * Lanes by name, registered on first use outside any caller's transaction, and remembered. The database may forget them (tables that were
 * emptied, a schema created again, lanes that nobody used): a statement that inserts says so, and they are registered again.
 */
export class Lanes {
  private readonly byName = new Map<string, Lane>();
  /** Another one whenever this process has learnt of a lane. */
  version = 0;
  private readonly registering = new Map<string, Promise<LaneName[]>>();
  private readonly crowded = new Set<string>();

  /** `warn` is called once of each queue that has more than `MANY_LANES`. */
  constructor(
    private readonly database: Database,
    private readonly warn: (warning: { code: string; message: string }) => void = () => undefined,
    /** How long a registration waits for one in another transaction. */
    private readonly patienceMs = 10_000,
    /** Of a process that only enqueues. */
    private readonly unserved?: UnservedLanes,
  ) {}

  find(queue: string, name: string, labels: readonly string[] = NO_LABELS): Lane | undefined {
    return this.byName.get(keyOf({ queue, name, labels }));
  }

  /**
   * The lane of a queue, a job name and a set of labels, registered when it is new. `within`: the transaction of the caller, which waits for
   * no room on a full server.
   * @throws QueueError `TOO_MANY_LANES` when the queue has as many of them as it may have.
   */
  async of(
    queue: string,
    name: string,
    labels: readonly string[] = NO_LABELS,
    within?: Run,
  ): Promise<Lane> {
    const known = this.find(queue, name, labels);
    if (known) return known;
    const lane = { queue, name, labels };
    return (within && (await this.lookedUp(lane, within))) ?? this.registered(lane);
  }

  /** Gives each of these jobs its lane, as `of` does: what is new by one transaction, and by name where another stands in the way of one. */
  async give(jobs: readonly Laneless[], within?: Run): Promise<void> {
    const bare = jobs.filter((job) => !job.lane);
    await this.together(bare.filter((job) => !this.byName.has(keyOf(job))), within); // prettier-ignore
    for (const job of bare) job.lane = await this.of(job.queue, job.name, job.labels, within);
  }

  /** The database does not know one of these: whoever holds them has their new numbers then. */
  async renew(lanes: Iterable<Lane>): Promise<void> {
    const held = [...new Set(lanes)];
    const known = await this.together(held);
    for (const lane of held) {
      const key = keyOf(lane);
      const found = known.has(key) ? this.byName.get(key) : undefined;
      const { id, queueId } = found ?? (await this.registered(lane));
      Object.assign(lane, { id, queueId });
    }
  }

  /** A lane that jobs of the database stand in; the queue `unknown` where nobody has registered it. */
  async byNumber(id: number): Promise<NumberedLane> {
    const [lane] = await this.database.loops.run<NumberedLane>(LANES_BY_NUMBER, [[id]]);
    return lane ?? { id, queueId: 0, queue: 'unknown', name: '', labels: NO_LABELS };
  }

  /** What is served by somebody with these labels; at most `MAX_LANES`, the oldest. */
  async served(
    wishes: readonly ServedLanes[],
    labels: readonly string[] = NO_LABELS,
  ): Promise<Lane[]> {
    const beginnings = wishes.map(({ queue }) => isPattern(queue));
    const queues = wishes.map(({ queue }) => (isPattern(queue) ? queue.slice(0, -1) : queue));
    const names = wishes.map(({ name }) => name ?? null);
    const { loops } = this.database;
    const values = [queues, beginnings, names, MAX_LANES, labels];
    const rows = await loops.run<Lane & { fresh: boolean }>(LIST_LANES, values);
    const fresh = rows.filter((row) => row.fresh);
    if (fresh.length > 0) await loops.run(NOTE_SERVED_LANES, [fresh.map(({ id }) => id)]);
    const lanes = rows.map(({ fresh: _, ...lane }): Lane => lane);
    this.noteCrowds(lanes);
    return lanes;
  }

  /** Numbers of the lanes of a queue, a name, a label, some of them or all. */
  async numbersOf(
    wanted: { queue?: string; name?: string; label?: string },
    most = MAX_LISTED,
  ): Promise<number[]> {
    const { queue = null, name = null, label = null } = wanted;
    const values = [queue, name, most, label];
    return (await this.database.callers.run<Lane>(LIST_LANE_NUMBERS, values)).map(({ id }) => id);
  }

  /** Lanes of a queue, a name or all, at most `MAX_LANES`. */
  async named(wanted: { queue?: string; name?: string }): Promise<Lane[]> {
    const numbers = await this.numbersOf(wanted, MAX_LANES);
    return this.database.callers.run(LANES_BY_NUMBER, [numbers]);
  }

  async queueNames(): Promise<string[]> {
    return (await this.database.callers.run<{ name: string }>(LIST_QUEUE_NAMES, [MAX_NAMES])).map(
      ({ name }) => name,
    );
  }

  /** Lanes in which jobs wait, a page behind `after`, and where the next page starts: 0 behind the last one. */
  async withJobs(after: number): Promise<{ lanes: Lane[]; next: number }> {
    const rows = await this.database.loops.run<Lane | { id: number; queue: null }>(
      LIST_LANES_WITH_JOBS,
      [SHARD, after, MAX_STEPS],
    );
    const next = rows.length < MAX_STEPS ? 0 : rows.at(-1)!.id;
    return { lanes: rows.filter((row): row is Lane => row.queue !== null), next };
  }

  /** Registers what is new; returns what the database has no room for. */
  async register(lanes: readonly LaneName[], patienceMs = this.patienceMs): Promise<LaneName[]> {
    const until = performance.now() + patienceMs;
    let missing = await this.load(lanes);
    for (let rounds = 0; missing.length > 0 && rounds < MAX_ROUNDS;) {
      if (await this.insert(missing, until)) rounds++;
      missing = await this.load(missing);
    }
    return missing;
  }

  close(): void {
    this.unserved?.close();
  }

  /** Once for all who ask at the same time: what waits for a transaction elsewhere holds one connection. */
  private async registered(lane: LaneName): Promise<Lane> {
    const key = keyOf(lane);
    const registering = this.registering.get(key) ?? this.noted([key], this.register([lane]));
    const refused = (await registering).find((each) => keyOf(each) === key);
    if (refused) throw tooMany(refused);
    return this.byName.get(key) ?? this.registered(lane);
  }

  /** Registers these by one transaction, but for those that others ask for already. Returns what is known then: nothing where one of them has to be waited for. */
  private async together(names: readonly LaneName[], within?: Run): Promise<Set<string>> {
    if (names.length < 2 || (within && (await this.lookedAt(names).catch(crowded)))) return new Set(); // prettier-ignore
    const asked = new Map(names.map((lane) => [keyOf(lane), lane]));
    for (const key of this.registering.keys()) asked.delete(key);
    const keys = [...asked.keys()];
    let isWhole = true;
    const tried = this.register([...asked.values()], 0).catch((error: unknown) => {
      if (!isBlocked(error)) throw error;
      isWhole = false;
      return [];
    });
    const [refused] = await this.noted(keys, tried);
    if (refused) throw tooMany(refused);
    return new Set(isWhole ? keys : []);
  }

  private noted(keys: string[], registering: Promise<LaneName[]>): Promise<LaneName[]> {
    const noted = registering.finally(() => keys.forEach((key) => this.registering.delete(key)));
    for (const key of keys) this.registering.set(key, noted);
    return noted;
  }

  /** With no room beside the caller's transaction, in it: so others that wait for it do not wait for room, too. What is found there is not remembered: it says less. */
  private async lookedUp(lane: Required<LaneName>, within: Run): Promise<Lane | undefined> {
    try {
      await this.lookedAt([lane]);
      return this.byName.get(keyOf(lane));
    } catch (error) {
      crowded(error);
      const [found] = await within<Lane>(LOOK_UP_LANE, [lane.queue, lane.name, lane.labels]);
      if (!found) throw error;
      return found;
    }
  }

  private async lookedAt(lanes: readonly LaneName[]): Promise<void> {
    await this.database.loops.hurried(() => this.load(lanes));
  }

  /** Looks lanes up; returns those that there are not. */
  private async load(lanes: readonly LaneName[]): Promise<LaneName[]> {
    if (lanes.length === 0) return [];
    const values = [...columnsOf(lanes), MANY_LANES];
    const rows = await this.database.loops.run<Found>(FIND_LANES, values);
    const known = new Set<string>();
    for (const { lanes: count, fresh, kept, ...lane } of rows) {
      known.add(keyOf(lane));
      if (fresh && !this.byName.has(keyOf(lane))) this.unserved?.note(lane.id);
      this.keep({ ...lane, ...(kept && { kept: kept.map(said) }) });
      if (count > MANY_LANES) this.noteCrowd(lane.queue);
    }
    return lanes.filter((lane) => !known.has(keyOf(lane)));
  }

  /** False: another transaction registers one of them, or a number was drawn twice; worth another try. */
  private async insert(lanes: readonly LaneName[], until: number): Promise<boolean> {
    const columns = columnsOf(lanes);
    const { loops } = this.database;
    try {
      await loops.run(REGISTER_QUEUES, [columns[0]]);
      await loops.transaction(async (run) => {
        await run(LOCK_LANES, [columns[0]]);
        await run(REGISTER_LANES, [...columns, MAX_LABELLED_LANES, MAX_LANES]);
      });
      return true;
    } catch (error) {
      const sqlState = error instanceof DatabaseError ? error.sqlState : undefined;
      if (sqlState === LOCKED && performance.now() >= until) throw blocked(lanes[0]!, error);
      if (sqlState !== LOCKED && !DRAWN_AGAIN.has(sqlState)) throw error;
      return sqlState !== LOCKED;
    }
  }

  /** Whoever holds a lane that is known holds its new numbers. What nobody uses any more makes room. */
  private keep(lane: Lane): void {
    const key = keyOf(lane);
    const known = this.byName.get(key);
    if (known?.id !== lane.id) this.version++;
    if (known) return void Object.assign(known, lane);
    this.byName.set(key, lane);
    if (this.byName.size > MAX_LANES) this.byName.delete(this.byName.keys().next().value!);
  }

  private noteCrowds(lanes: Lane[]): void {
    if (lanes.length === MAX_LANES) this.noteCrowd('', servedLanes);
    const counts = new Map<string, number>();
    for (const { queue } of lanes) counts.set(queue, (counts.get(queue) ?? 0) + 1);
    for (const [queue, count] of counts) if (count > MANY_LANES) this.noteCrowd(queue);
  }

  private noteCrowd(queue: string, warning = manyLanes): void {
    if (this.crowded.has(queue)) return;
    this.crowded.add(queue);
    this.warn(warning(queue));
  }
}

/** @throws what is no full server. */
function crowded(error: unknown): true {
  if (error instanceof DatabaseError && error.isCrowded) return true;
  throw error;
}

const said = ({ ms, agoMs }: { ms: number; agoMs: number }): Kept => ({
  ms,
  saidAt: Date.now() - agoMs,
});
