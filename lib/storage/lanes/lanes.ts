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
import { FIND_LANES, LOOK_UP_LANE } from './register-lanes.sql.js';
import { SHARD } from '../connection/shard.js';
import { MANY_LANES, manyLanes, MAX_LANES, servedLanes } from './lane-bounds.js';
import { columnsOf, keyOf } from './lane-names.js';
import { Registrations } from './registrations.js';
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

/**
 * Lanes by name, registered on first use outside any caller's transaction, and remembered. The database may forget them (tables that were
 * emptied, a schema created again, lanes that nobody used): a statement that inserts says so, and they are registered again.
 */
export class Lanes {
  private readonly byName = new Map<string, Lane>();
  /** Another one whenever this process has learnt of a lane. */
  version = 0;
  private readonly crowded = new Set<string>();
  private readonly registrations: Registrations;

  /** `warn` is called once of each queue that has more than `MANY_LANES`. */
  constructor(
    private readonly database: Database,
    private readonly warn: (warning: { code: string; message: string }) => void = () => undefined,
    /** How long a registration waits for one in another transaction. */
    patienceMs = 10_000,
    /** Of a process that only enqueues. */
    private readonly unserved?: UnservedLanes,
  ) {
    const registry = { load: this.load.bind(this), known: (key: string) => this.byName.get(key) };
    this.registrations = new Registrations(database, registry, patienceMs);
  }

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
    return (within && (await this.lookedUp(lane, within))) ?? this.registrations.ask(lane);
  }

  /** Gives each of these jobs its lane, as `of` does: what is new by one transaction. */
  async give(jobs: readonly Laneless[], within?: Run): Promise<void> {
    const bare = jobs.filter((job) => !job.lane);
    const fresh = bare.filter((job) => !this.byName.has(keyOf(job)));
    const isCrowded = within && fresh.length > 1 && (await this.lookedAt(fresh).catch(crowded));
    const fill = async (job: Laneless, run?: Run) =>
      void (job.lane = await this.of(job.queue, job.name, job.labels, run));
    if (isCrowded || fresh.length < 2) for (const job of bare) await fill(job, within);
    else await Promise.all(bare.map((job) => fill(job)));
  }

  /** The database does not know one of these: whoever holds them has their new numbers then. */
  async renew(lanes: Iterable<Lane>): Promise<void> {
    const fill = async (lane: Lane) => {
      const { id, queueId } = await this.registrations.ask(lane);
      Object.assign(lane, { id, queueId });
    };
    await Promise.all(Array.from(new Set(lanes), fill));
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
  register(lanes: readonly LaneName[], patienceMs?: number): Promise<LaneName[]> {
    return this.registrations.register(lanes, patienceMs);
  }

  /** Registers what no other transaction registers just now, and waits once for those that do. */
  async registerFree(lanes: readonly LaneName[]): Promise<void> {
    const reasons = await this.registrations.registerFree(lanes);
    for (const reason of reasons.values()) if (reason instanceof DatabaseError) throw reason;
  }

  close(): void {
    this.unserved?.close();
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
