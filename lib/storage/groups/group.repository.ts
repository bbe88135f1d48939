import type { ClaimKey } from '../claim/claim-wish.js';
import type { Database, Run } from '../connection/database.js';
import { keptText, type Success } from '../settle/ended-run.js';
import { SHARD } from '../connection/shard.js';
import { claimedRow, PAYLOAD, type ClaimedRow } from '../claim/row-mapper.js';
import { CLAIM_FAIR } from '../claim/claim-fair.sql.js';
import { DESCRIBE_GROUP } from './describe-group.sql.js';
import { Parted, type FollowerWish } from './followers.js';
import { HAND_ON } from './hand-on.sql.js';
import { LIFT_BLOCKS } from './lift-blocks.sql.js';
import { LIST_BLOCKED_GROUPS } from './list-blocked-groups.sql.js';
import { RELEASE_GROUP } from './release-group.sql.js';
import { FIND_STUCK, FREE_TURNS } from './stuck-turns.sql.js';
import { SETTLE_KEYED, SETTLE_ORDERED, SETTLE_OUTCOMES } from '../settle/settle-ordered.sql.js';
import { AWAIT_GROUP, TAKE_TURN, TAKE_VACANT } from './take-vacant.sql.js';

/** What settling ordered successes has led to. */
interface OrderedSettled {
  /** Lanes in which a next job is ready. */
  lanes: number[];
  /** Next jobs whose time lies ahead. */
  later: number;
  /** Turns that the turn duty has to hand on. */
  vacant: number;
  /** Permits of keys are free, or wanted: the permit duty has to hand them on. */
  keys: boolean;
  /** A next job is ready in a fair queue. */
  fair?: boolean;
  /** Runs that no longer held their job. */
  lost: string[];
  /** Next jobs that were claimed with the same commit. */
  claimed: ClaimedRow[];
}

/** What leaves with the successes of ordered jobs. */
interface SettledBeside {
  /** Ends of some of them are told to other queues. */
  hasOutcomes?: boolean;
  /** Some of them have permits of keys, which jobs that wait take over. */
  isKeyed?: boolean;
  /** Claims that are over with these. */
  over?: string[];
  followers?: FollowerWish | undefined;
}

/** One page of vacant turns. */
export interface HandedOn {
  lanes: number[];
  later: number;
  /** Turns that were taken up: handed on, or their group ended. */
  dealt: number;
  /** Turns that were looked at. */
  looked: number;
  /** Those of them whose groups are being enqueued to. */
  held: Turn[];
  /** What the page came to, also those that are halted. */
  queues: Set<number>;
  /** Where a full page ended, without a group where that queue has no turn to take; undefined: no queue is behind it. */
  last?: VacantKey;
}

type Dealt = Pick<HandedOn, 'lanes' | 'later' | 'dealt'>;

/** A place among vacant turns. */
interface VacantKey {
  queue: number;
  group: string | null;
}

/** The vacant turn of a group. */
export interface Turn {
  queue: number;
  group: string;
}

/** Where a page of vacant turns begins: with the queues behind `after`, each behind its group in `behind`. */
interface VacantFrom {
  after: number;
  behind: ReadonlyMap<number, string>;
}

/** Who has the turn of an ordered group. */
export interface GroupState {
  /** The live job that has the turn. */
  holder?: string;
  /** The job that ended badly and keeps the turn until it is released. */
  dead?: { id: string; at: Date };
  /** The dead job, of this or another group, that halts the whole queue. */
  haltedBy?: string;
  /** Jobs that wait for their turn; 1,000 means "at least". */
  waiting: number;
}

/** An ordered group that a dead job blocks. */
interface BlockedGroupRow {
  queue: string;
  group: string;
  job: string;
  since: Date;
  until: Date;
  halts: boolean;
  waiting: number;
}

export interface FairWish extends ClaimKey {
  lane: number;
  /** The group behind which to start; null: from the first. */
  after: string | null;
  wanted: number;
}

/** What a claim of a fair queue answers. */
export interface FairClaimed {
  jobs: ClaimedRow[];
  /** The group behind which the next claim begins. */
  after: string | null;
}

/** Where the pages of vacant turns begin. */
const FIRST_TURN: VacantFrom = { after: -1, behind: new Map() };

/** Rows in a page of `take_vacant`. */
const VACANT_PAGE = 200;

/** Of rows that end with what `FAIR_COLUMNS` adds. */
export const fairClaimed = (rows: (string | null)[][]): FairClaimed => ({
  jobs: rows.map(claimedRow),
  after: rows[0]?.[18] ?? null,
});

/** Turns in ordered groups: passed on by the settle, handed on by the turn duty, given back by an operator. */
export class GroupRepository {
  constructor(private readonly database: Database) {}

  async settle(
    worker: string,
    successes: Success[],
    { hasOutcomes = false, isKeyed = false, over = [], followers }: SettledBeside = {},
  ): Promise<OrderedSettled> {
    const kept = successes.filter(({ keepMs }) => hasOutcomes || keepMs !== undefined);
    const parted = new Parted(successes, followers);
    const statement = hasOutcomes ? SETTLE_OUTCOMES : isKeyed ? SETTLE_KEYED : SETTLE_ORDERED;
    const rows = await this.database.loops.rows(statement, [
      SHARD,
      ...parted.values(worker, `{${kept.map(keptText).join(',')}}`, over),
    ]);
    const { at, missed, ...told } = JSON.parse(rows.pop()![PAYLOAD]!) as Told;
    return { ...told, claimed: parted.claimed(rows, at, missed) };
  }

  async claimFair({ claimId, lease, lane, after, wanted }: FairWish): Promise<FairClaimed> {
    return fairClaimed(
      await this.database.loops.rows(CLAIM_FAIR, [SHARD, claimId, lane, after, wanted, lease]),
    );
  }

  /** Two statements in one transaction: the groups' locks, and then, in a new snapshot, what stands in these groups. */
  handOn({ after, behind }: VacantFrom = FIRST_TURN): Promise<HandedOn> {
    return this.database.loops.transaction(async (run) => {
      const page = await run<VacantRow>(TAKE_VACANT, [
        SHARD,
        after,
        [...behind.keys()],
        [...behind.values()],
      ]);
      const turns = page.filter((row): row is Turn & VacantRow => row.group !== null);
      const last = page.length === VACANT_PAGE ? { last: page.at(-1)! } : {};
      return {
        ...(await this.handOnFree(run, page)),
        looked: turns.length,
        held: turns.filter(({ free }) => !free),
        queues: new Set(page.map(({ queue }) => queue)),
        ...last,
      };
    });
  }

  /** A turn behind whoever enqueues to its group, and what is free with it: others may have waited for the lock of the whole queue. @throws DatabaseError after the lock timeout of loops. */
  handOnBehind({ queue, group }: Turn): Promise<Dealt> {
    return this.database.loops.transaction(async (run) => {
      await run(AWAIT_GROUP, [queue, group]);
      const turn = await run<VacantRow>(TAKE_TURN, [SHARD, queue, group]);
      const page = await run<VacantRow>(TAKE_VACANT, [SHARD, queue - 1, [], []]);
      return this.handOnFree(run, [...turn, ...page.filter((other) => other.queue !== queue || other.group !== group)]); // prettier-ignore
    });
  }

  private async handOnFree(run: Run, page: VacantRow[]): Promise<Dealt> {
    const free = page.filter((turn) => turn.free);
    if (free.length === 0) return { lanes: [], later: 0, dealt: 0 };
    const values = [SHARD, free.map((turn) => turn.group), free.map((turn) => turn.queue)];
    return (await run<HandedOn>(HAND_ON, values))[0]!;
  }

  /** The dead job behind which the group goes on now; undefined: no dead job held it. */
  async release(queue: string, group: string): Promise<string | undefined> {
    return (
      await this.database.waiters.run<{ id: string }>(RELEASE_GROUP, [SHARD, queue, group])
    )[0]?.id;
  }

  /** Of all queues or one, the longest blocked first; `waiting` says 1,001 where there are more. */
  listBlocked(most: number, queue?: string): Promise<BlockedGroupRow[]> {
    return this.database.callers.run(LIST_BLOCKED_GROUPS, [SHARD, queue ?? null, most]);
  }

  /** Lets go on, at most 200, what is blocked by jobs that are no longer kept; how many groups of which queues. */
  liftBlocks(): Promise<{ queue: string; groups: number }[]> {
    return this.database.loops.run(LIFT_BLOCKS, [SHARD]);
  }

  /** Looks through a page of groups behind that one for turns that nobody holds, and makes them vacant. Where the next page begins. */
  freeStuck({ queue, group }: StuckFrom = FIRST_GROUP): Promise<{
    freed: number;
    next: StuckFrom;
  }> {
    return this.database.loops.transaction(async (run) => {
      const page = await run<StuckRow>(FIND_STUCK, [SHARD, group, queue]);
      const free = page.filter((row) => row.free);
      const values = [SHARD, free.map((row) => row.group), free.map((row) => row.queue)];
      const freed = free.length > 0 ? await run(FREE_TURNS, values) : [];
      return { freed: freed.length, next: page.find(({ isLast }) => isLast) ?? FIRST_GROUP };
    });
  }

  /** undefined: the group is not active. */
  async describe(queue: string, group: string): Promise<GroupState | undefined> {
    const [row] = await this.database.callers.run<GroupRow>(DESCRIBE_GROUP, [SHARD, queue, group]);
    return row && stateOf(row);
  }
}

/** Of the last row of `settle_ordered`. */
type Told = Omit<OrderedSettled, 'claimed'> & { at: string; missed: string[] };

/** A group, behind which a look goes on. */
interface StuckFrom {
  queue: number;
  group: string;
}

type StuckRow = StuckFrom & { free: boolean; isLast: boolean };

const FIRST_GROUP: StuckFrom = { queue: -1, group: '' };

type VacantRow = VacantKey & { free: boolean };

interface GroupRow {
  dead: string | null;
  dead_at: Date | null;
  halted_by: string | null;
  holder: string | null;
  waiting: number;
}

function stateOf({ dead, dead_at, halted_by, holder, waiting }: GroupRow): GroupState {
  return {
    ...(holder ? { holder } : {}),
    ...(dead ? { dead: { id: dead, at: dead_at! } } : {}),
    ...(halted_by ? { haltedBy: halted_by } : {}),
    waiting,
  };
}
