import type { QueueEventBus } from '../observability/events.js';
import { QueuePolicies } from '../options/queue-policy.js';
import { DatabaseError } from '../storage/connection/database-errors.js';
import {
  expiredPartitions,
  lastMsOf,
  missingPartitions,
  type KnownPartitions,
  type PartitionedTable,
} from '../storage/schema/partition.repository.js';
import type { Storage } from '../storage/storage.js';
import type { SiteOf } from './site.js';
import { counted } from '../runtime/words.js';
import { jittered } from './jitter.js';
import { DAY_MS } from '../job/values/duration.js';

interface JanitorRules {
  intervalMs: number;
  /** The longest that any queue keeps its ended jobs. */
  keepMs: Readonly<Record<PartitionedTable, number>>;
}

type Sweep = [sweep: () => Promise<number>, full: number];

/** Ticks are kept like the archive, or so long where there is none. */
const WEEK_MS = 7 * DAY_MS;
/** A lane goes when nobody has used it for a week, or as long as ended jobs are kept; and a day, for transactions that are open. */
const UNUSED_MS = WEEK_MS;
const GRACE_MS = DAY_MS;
/** What most jobs take, and their partition: notes of ids are looked at when most of them have no job any more. */
const NOTED_MS = 2 * DAY_MS;

/** Batches of a round; where more are left, the next one follows soon, so that purging keeps up with any load. */
const MAX_BATCHES = 50;
const FULL_BATCH = 1_000;
const SOON_MS = 1_000;
/** Between the partitions and the first sweep of a process that has just started. */
const FIRST_SWEEP_MS = 15_000;
/** The longest that something refused rests, in rounds. */
const MAX_REST_ROUNDS = 60;

/** The default partition holds rows of that time: others may be made. */
const CHECK_VIOLATION = '23514';
/** A lock that was not to be had in time, and a statement that took too long. */
const TRIED_AGAIN = new Set(['55P03', '57014']);

/**
 * Keeps partitions ahead of time and lets expired ones go (retention drops tables, it deletes no rows one by one); purges periods, ticks, notes of
 * ids, and old acts of operators; ends steps whose jobs somebody has deleted, and finds out again what jobs depend on; lets groups go on whose dead job is no longer kept, and lanes go that nobody uses.
 */
export class Janitor {
  private readonly complained = new Set<string>();
  /** What was refused, how often, for how many rounds it rests, and whether others would be refused as well. */
  private readonly refused = new Map<string, { times: number; rest: number; alone: boolean }>();

  /** How far the look for unused lanes has come. */
  private after = 0;
  /** How far the look for turns that nobody holds has come. */
  private behind: { queue: number; group: string } | undefined;

  private readonly storage: Storage;
  private readonly events: QueueEventBus;
  private readonly rules: JanitorRules;

  private sweepsLater: boolean;

  constructor({
    storage,
    events,
    options,
    sweepsLater = false,
  }: Pick<SiteOf<never>, 'storage' | 'events' | 'options' | 'sweepsLater'>) {
    this.sweepsLater = sweepsLater;
    this.storage = storage;
    this.events = events;
    this.rules = {
      intervalMs: options.janitorIntervalMs,
      keepMs: new QueuePolicies(options).longestKeepMs(),
    };
  }

  async round(): Promise<number> {
    let left = false;
    const known = await this.storage.partitions.listAll();
    for (const most of [1, Infinity])
      for (const [table, there] of known) await this.createMissing(table, there, most);
    for (const [table, there] of known) left = (await this.cleanTable(table, there)) || left;
    if (this.sweepsLater) {
      this.sweepsLater = false;
      return jittered(Math.min(FIRST_SWEEP_MS, this.rules.intervalMs));
    }
    const refusals: DatabaseError[] = [];
    left = (await this.sweep(known.get('archive')!, refusals)) || left;
    if (refusals[0]) throw refusals[0];
    return jittered(left ? Math.min(SOON_MS, this.rules.intervalMs) : this.rules.intervalMs);
  }

  /** True: more is left. Who holds one table holds up no other: what is refused is told at the end of the round. */
  private async sweep(archived: KnownPartitions, refusals: DatabaseError[]): Promise<boolean> {
    let left = false;
    for (const [sweep, full] of [...this.sweeps(), ...this.pages(archived)])
      try {
        left = (await purged(sweep, full)) || left;
      } catch (error) {
        if (!isRefusal(error)) throw error;
        refusals.push(error);
      }
    return left;
  }

  /** What goes row by row, and how many make a full batch. */
  private sweeps(): Sweep[] {
    const { audit, periods, schedules, givenIds, keys, limits, staged, tallies, workflows } =
      this.storage;
    const { archive, tally } = this.rules.keepMs;
    return [
      [() => periods.purge(), FULL_BATCH],
      [() => schedules.purge(archive || WEEK_MS), FULL_BATCH],
      [() => givenIds.purge(archive + NOTED_MS), FULL_BATCH],
      [() => workflows.vanished.endSome(), 1],
      [() => staged.awaitAgain(), 1],
      [() => workflows.reading.purge(), 1],
      [() => keys.purgeBuckets(), FULL_BATCH],
      [() => limits.purgeRests(), FULL_BATCH],
      [() => audit.purge(), FULL_BATCH],
      [() => (tally > 0 ? tallies.sumUp() : Promise.resolve(0)), 1],
    ];
  }

  /** What goes on in the next round, however much is left. */
  private pages(archived: KnownPartitions): Sweep[] {
    const looks: (() => Promise<unknown>)[] = [
      () => this.storage.keys.askSome(),
      () => this.liftBlocks(),
      () => this.freeStuck(),
      () => this.cleanLanes(archived),
    ];
    return looks.map((look) => [() => look().then(() => 0), 1]);
  }

  /** A page of lanes a round. Ended jobs have their names from their lanes: those stay for as long as the longest retention, of any process. */
  private async cleanLanes(archived: KnownPartitions): Promise<void> {
    const { unusedLanes } = this.storage;
    this.after = await unusedLanes.note(this.after);
    const keptMs = lastMsOf('archive', archived);
    const longestMs = Math.max(UNUSED_MS, keptMs, ...Object.values(this.rules.keepMs));
    await unusedLanes.remove(longestMs + GRACE_MS);
  }

  /** A batch each round: it follows retention, which is not in a hurry either. */
  private async liftBlocks(): Promise<void> {
    for (const { queue, groups } of await this.storage.groups.liftBlocks())
      this.events.emit('warning', () => ({
        code: 'GROUP_RELEASED',
        message: `Queue "${queue}": ${groups} of its ordered groups continue, since the retention of the jobs that blocked them is over.`,
      }));
  }

  /** A page of groups a round: a turn is nobody's only where rows were deleted by hand, or by a fault. */
  private async freeStuck(): Promise<void> {
    const { freed, next } = await this.storage.groups.freeStuck(this.behind);
    this.behind = next;
    if (freed > 0)
      this.events.emit('warning', () => ({
        code: 'GROUP_RELEASED',
        message: `${counted(freed, 'turn')} of ordered groups that nobody held: these groups continue.`,
      }));
  }

  private async createMissing(
    table: PartitionedTable,
    known: KnownPartitions,
    most: number,
  ): Promise<void> {
    const { partitions } = this.storage;
    const missing = missingPartitions(table, known, this.rules.keepMs[table]);
    for (const name of missing.slice(0, most)) {
      const done = await this.change(name, () => partitions.create(table, name));
      if (done === 'stop') break;
      if (done === 'done') known.names.push(name);
    }
  }

  /** True: more is left to be purged. */
  private async cleanTable(table: PartitionedTable, known: KnownPartitions): Promise<boolean> {
    const { partitions } = this.storage;
    const expired = expiredPartitions(table, known);
    const dropped =
      expired.length === 0 ||
      (await this.change(`${table}_expired`, () => partitions.drop(table, expired))) === 'done';
    let left = false;
    const purge = (name: string, rows: () => Promise<number>) =>
      this.change(name, async () => ((left ||= await purged(rows)), true));
    await purge(`${table}_default`, () => partitions.purgeDefault(table));
    for (const name of dropped ? [] : expired)
      await purge(name, () => partitions.purge(table, name));
    return left;
  }

  /**
   * Somebody reads or changes the table, or we may not, or the default partition is large: said once, tried again ever more rarely, since each
   * try may hold up others.
   */
  private async change(
    name: string,
    work: () => Promise<boolean>,
  ): Promise<'done' | 'stop' | 'go on'> {
    const before = this.refused.get(name);
    if (before && before.rest-- > 0) return before.alone ? 'go on' : 'stop';
    try {
      const done = await work();
      this.refused.delete(name);
      return done ? 'done' : 'stop';
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return this.refuse(name, error, (before?.times ?? 0) + 1);
    }
  }

  private refuse(name: string, error: DatabaseError, times: number): 'stop' | 'go on' {
    const alone = error.sqlState === CHECK_VIOLATION;
    this.refused.set(name, {
      times,
      rest: Math.min(Math.floor(2 ** times / 8), MAX_REST_ROUNDS),
      alone,
    });
    if (!this.complained.has(name)) this.complain(name, error);
    return alone ? 'go on' : 'stop';
  }

  private complain(name: string, error: Error): void {
    this.complained.add(name);
    this.events.emit('warning', () => ({
      code: 'PARTITION',
      message: `Partition "${name}" could not be changed yet: ${error.message}`,
    }));
  }
}

/** Anything but a database that is away. */
function isRefusal(error: unknown): error is DatabaseError {
  return (
    error instanceof DatabaseError && (!error.isPassing || TRIED_AGAIN.has(error.sqlState ?? ''))
  );
}

/** True: more is left. */
async function purged(purge: () => Promise<number>, full = FULL_BATCH): Promise<boolean> {
  for (let batch = 0; batch < MAX_BATCHES; batch++) if ((await purge()) < full) return false;
  return true;
}
