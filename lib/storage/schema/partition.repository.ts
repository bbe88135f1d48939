import type { Database, Run } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { statement } from '../connection/statement.js';
import {
  LIST_PARTITIONS,
  PURGE_ARCHIVE_DEFAULT,
  PURGE_DEAD_LETTER_DEFAULT,
  PURGE_TALLY_DEFAULT,
  TRY_PARTITION_LOCK,
} from './partitions.sql.js';
import { DAY_MS } from '../../job/values/duration.js';

/** Ended jobs, and what was counted, lie in partitions by the days (archive) or weeks at whose end they may go; their name says from when, and how many. */
const PARTITIONED = {
  archive: { stepMs: DAY_MS, purge: PURGE_ARCHIVE_DEFAULT },
  dead_letter: { stepMs: 7 * DAY_MS, purge: PURGE_DEAD_LETTER_DEFAULT },
  tally: { stepMs: 7 * DAY_MS, purge: PURGE_TALLY_DEFAULT },
} as const;

export type PartitionedTable = keyof typeof PARTITIONED;
const TABLES = Object.keys(PARTITIONED) as PartitionedTable[];

/** The partitions of a table, and the database's time. */
export interface KnownPartitions {
  now: Date;
  names: string[];
}

/** In milliseconds; `to` is behind the last. */
interface Bounds {
  from: number;
  to: number;
}

/** Partitions made ahead, however long jobs are kept: each is locked by whoever looks for an id. What is kept longer lies in wider ones. */
const MAX_AHEAD = 50;
/** Rows of the default partition that a new partition takes over. */
const MAX_MOVED = 10_000;
const LOCK_MS = 100;
/** While a partition is attached, the default one is read under a lock that stops all ends. */
const MAX_SCAN_MS = 500;
/** Where many wait to be dropped, somebody always reads: waiting for as long as that reader stops others for as long. */
const MAX_LOCK_MS = 2_000;

/** The partitions of archive and dead letter: made ahead of time, dropped when all of their rows have expired. */
export class PartitionRepository {
  constructor(private readonly database: Database) {}

  async list(
    table: PartitionedTable,
    run: Run = this.database.loops.run,
  ): Promise<KnownPartitions> {
    return (await run<KnownPartitions>(LIST_PARTITIONS, [[table]]))[0]!;
  }

  async listAll(
    run: Run = this.database.loops.run,
  ): Promise<Map<PartitionedTable, KnownPartitions>> {
    type Listed = KnownPartitions & { table: PartitionedTable };
    const listed = await run<Listed>(LIST_PARTITIONS, [TABLES]);
    return new Map(listed.map(({ table, ...known }) => [table, known]));
  }

  /** Of all tables, for how long each keeps at most: what ends now must find its partition, and what ends tomorrow too. */
  async missingAhead(longestKeepMs: Record<PartitionedTable, number>, run: Run): Promise<string[]> {
    const missing: string[] = [];
    for (const [table, known] of await this.listAll(run)) {
      const keepMs = longestKeepMs[table];
      const aheadMs = Math.max(0, keepMs + DAY_MS - PARTITIONED[table].stepMs);
      if (keepMs > 0) missing.push(...missingPartitions(table, known, aheadMs));
    }
    return missing;
  }

  /**
   * ATTACH, not PARTITION OF: it lets readers and writers of the parent go on, but not of the default partition, which it reads whole; so that
   * has a limit. What lies there already moves along. False when another process is at it.
   */
  create(table: PartitionedTable, name: string): Promise<boolean> {
    const texts = name === defaultOf(table) ? defaultTexts(table) : textsOf(table, name);
    return this.change(table, (names) => (names.includes(name) ? [] : texts));
  }

  /** At once, so that others wait for it once. */
  drop(table: PartitionedTable, expired: string[]): Promise<boolean> {
    const lockMs = Math.min(LOCK_MS * expired.length, MAX_LOCK_MS);
    return this.change(table, (names) => expired.filter((name) => names.includes(name)).map((name) => `drop table simple_queue.${name}`), lockMs); // prettier-ignore
  }

  /** Of an expired partition that cannot be dropped: how many rows went; 1,000 at most. By its table, whose rights are enough. */
  async purge(table: PartitionedTable, name: string): Promise<number> {
    const bounds = boundsOf(table, name);
    if (!bounds) return 0;
    const rows = `shard = $1 and ${within(bounds)} and expires_at < statement_timestamp()`;
    const text = `with gone as (delete from simple_queue.${table} where ${rows} and ctid = any(array(
        select ctid from simple_queue.${table} where ${rows} limit 1000 for update skip locked)) returning 1)
      select count(*)::int as gone from gone`;
    return (await this.database.loops.run<{ gone: number }>(statement('', text), [SHARD]))[0]!.gone;
  }

  /** How many rows went; 1,000 at most. */
  async purgeDefault(table: PartitionedTable): Promise<number> {
    return (await this.database.loops.run<{ gone: number }>(PARTITIONED[table].purge, [SHARD]))[0]!
      .gone;
  }

  /** Asks again under the lock: another process may just have done it. DDL cannot bind: names are made here, of a table's name and digits. */
  private change(
    table: PartitionedTable,
    textsFor: (names: string[]) => string[],
    lockMs = LOCK_MS,
  ): Promise<boolean> {
    return this.database.loops.transaction(async (run) => {
      const [lock] = await run<{ locked: boolean }>(TRY_PARTITION_LOCK, []);
      if (!lock!.locked) return false;
      // Longer waits for a lock on the parent would hold up every settle behind them.
      await run(statement('', `set local lock_timeout = ${lockMs}`), []);
      const { names } = await this.list(table, run);
      for (const text of textsFor(names)) await run(statement('', text), []);
      return true;
    });
  }
}

/** What `create` says of a partition by days. */
function textsOf(table: PartitionedTable, name: string): string[] {
  const bounds = boundsOf(table, name)!;
  return [
    `create table if not exists simple_queue.${name} (like simple_queue.${table} including all)`,
    `with moved as (delete from simple_queue.${table}_default where shard = ${SHARD} and ctid = any(array(
         select ctid from simple_queue.${table}_default where shard = ${SHARD} and ${within(bounds)}
         limit ${MAX_MOVED} for update skip locked)) returning *)
       insert into simple_queue.${name} select * from moved`,
    `set local statement_timeout = ${MAX_SCAN_MS}`,
    `alter table simple_queue.${table} attach partition simple_queue.${name} for values from ('${iso(bounds.from)}') to ('${iso(bounds.to)}')`,
  ];
}

const defaultOf = (table: PartitionedTable): string => `${table}_default`;

/** Of one that somebody has dropped or detached: without it, what finds no other partition is refused, and no other one can be made. */
function defaultTexts(table: PartitionedTable): string[] {
  const name = defaultOf(table);
  return [
    `create table if not exists simple_queue.${name} (like simple_queue.${table} including all)`,
    `create index if not exists ${name}_expiry on simple_queue.${name} (expires_at, shard)`,
    `set local statement_timeout = ${MAX_SCAN_MS}`,
    `alter table simple_queue.${table} attach partition simple_queue.${name} default`,
  ];
}

/** Names that should exist so that rows kept for `keepMs` find a partition; first the default one, and the one for what ends now. */
export function missingPartitions(
  table: PartitionedTable,
  known: KnownPartitions,
  keepMs: number,
): string[] {
  const { stepMs } = PARTITIONED[table];
  const there = known.names.flatMap((name) => boundsOf(table, name) ?? []);
  const steps = Math.ceil(keepMs / stepMs) + 2;
  // Of several days each the first one may be half over.
  const least = steps > MAX_AHEAD ? Math.ceil(steps / (MAX_AHEAD - 1)) : 1;
  const first = Math.floor(known.now.getTime() / stepMs) * stepMs;
  const span = { from: first, to: first + steps * stepMs };
  const room = MAX_AHEAD - there.filter(({ from, to }) => from < span.to && to > first).length;
  // Beside narrow ones, of a shorter retention, wider ones; at most twice as wide, until those are gone.
  let made = gaps(there, span, least * stepMs);
  for (let width = least; made.length > room && width < 2 * least;)
    made = gaps(there, span, ++width * stepMs);
  const names = made.map(({ from, to }) => nameOf(table, from, (to - from) / stepMs)).toReversed();
  return known.names.includes(defaultOf(table)) ? names : [defaultOf(table), ...names];
}

/** How long the partitions last that are there: whoever keeps jobs for the longest time has made them, whichever process that is. */
export function lastMsOf(table: PartitionedTable, known: KnownPartitions): number {
  const ends = known.names.map((name) => boundsOf(table, name)?.to ?? 0);
  return Math.max(0, ...ends) - known.now.getTime();
}

export function expiredPartitions(table: PartitionedTable, known: KnownPartitions): string[] {
  return known.names.filter(
    (name) => (boundsOf(table, name)?.to ?? Infinity) <= known.now.getTime(),
  );
}

/** Stretches that no partition covers, each at most `widthMs` long. */
function gaps(there: readonly Bounds[], span: Bounds, widthMs: number): Bounds[] {
  const found: Bounds[] = [];
  for (let { from } = span, to; from < span.to; from = to) {
    const covered = there.find((bounds) => bounds.from <= from && from < bounds.to);
    to =
      covered?.to ??
      there.reduce(
        (end, bounds) => (bounds.from > from ? Math.min(end, bounds.from) : end),
        from + widthMs,
      );
    if (!covered) found.push({ from, to });
  }
  return found;
}

const iso = (ms: number): string => new Date(ms).toISOString();

function nameOf(table: PartitionedTable, from: number, steps: number): string {
  return `${table}_p${iso(from).slice(0, 10).replaceAll('-', '')}${steps > 1 ? `_${steps}` : ''}`;
}

const within = ({ from, to }: Bounds): string =>
  `expires_at >= '${iso(from)}' and expires_at < '${iso(to)}'`;

/** undefined for what is not one of ours, the default partition among it. */
function boundsOf(table: PartitionedTable, name: string): Bounds | undefined {
  const [, year, month, day, steps = '1'] =
    new RegExp(`^${table}_p(\\d{4})(\\d\\d)(\\d\\d)(?:_(\\d{1,4}))?$`).exec(name) ?? [];
  if (!year) return undefined;
  const from = Date.UTC(Number(year), Number(month) - 1, Number(day));
  return { from, to: from + Number(steps) * PARTITIONED[table].stepMs };
}
