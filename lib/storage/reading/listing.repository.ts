import type { FoundRow } from '../claim/row-mapper.js';
import type { Cause } from '../../job/failure.js';
import type { JobState } from '../../job/job-state.js';
import type { Database } from '../connection/database.js';
import { LIST_LANELESS_NUMBERS } from '../lanes/list-laneless-numbers.sql.js';
import { SHARD } from '../connection/shard.js';
import { FIND_LISTED } from './find-listed.sql.js';
import { LIST_ARCHIVE } from './list-archive.sql.js';
import { LIST_BY_ERROR_KEY } from './list-by-error-key.sql.js';
import { LIST_BY_FINGERPRINT } from './list-by-fingerprint.sql.js';
import { LIST_BY_GROUP, LIST_BY_WORKFLOW } from './list-by-group.sql.js';
import { LIST_BY_UNIQUE_KEY } from './list-by-unique-key.sql.js';
import { LIST_ALL_DEAD_LETTERS, LIST_DEAD_LETTERS } from './list-dead-letters.sql.js';
import { LIST_BLOCKED, LIST_FAIR, LIST_KEYED, LIST_STAGED } from './list-held.sql.js';
import {
  LIST_FAIR_BY_LANE,
  LIST_READY_BY_LANE,
  LIST_SUSPECTS_BY_LANE,
} from './list-by-lane.sql.js';
import { LIST_LOST } from './list-lost.sql.js';
import { LIST_READY } from './list-ready.sql.js';
import { LIST_RUNNING } from './list-running.sql.js';
import { LIST_SCHEDULED } from './list-scheduled.sql.js';
import { LIST_SUSPECTS } from './list-suspects.sql.js';

/** What is wanted of jobs; undefined wants everything. */
interface Wanted {
  states?: readonly JobState[];
  queue?: string;
  name?: string;
  fingerprint?: string;
  uniqueKey?: string;
  group?: string;
  label?: string;
  workflowId?: string;
  createdAfter?: Date;
  createdBefore?: Date;
  finishedAfter?: Date;
  finishedBefore?: Date;
  schedule?: string;
  worker?: string;
  error?: string;
  errorKey?: string;
  since?: Date;
  until?: Date;
  attempts?: { min?: number; max?: number };
  where?: readonly { of: string; path: string[] }[];
}

/** A job of a list, without what may be large. */
export interface ListedRow extends Omit<FoundRow, Unlisted> {
  last_error: Cause | null;
  workflow_id: string | null;
  /** What the filter's `where` asks for, as JSON. */
  fields: (string | null)[];
}

type Unlisted =
  'options' | 'payload' | 'payload_bytes' | 'output' | 'last_error' | 'history' | 'commit_by';

/** Where a list goes on: the key of what was read last, as text. Each list reads its own parts of it. */
export interface ListKey {
  id: string;
  at?: string;
  priority?: number;
}

/** What one read found, and where to go on behind all of it; no `end`: there is nothing more. */
export interface ListRead {
  found: ListKey[];
  end?: ListKey;
  /** So many rows were looked at, at least. */
  looked: number;
}

/** What to read of a list: where, behind which key (undefined: from its start), and how many. */
export interface ListWish {
  /** undefined: all. */
  lanes?: number[];
  after?: ListKey;
  limit: number;
}

interface WalkedKey extends ListKey {
  hit: boolean;
}

/** Rows that a list without an index for its filter may walk in one read. */
const MAX_WALKED = 10_000;

const BY = {
  errorKey: LIST_BY_ERROR_KEY,
  uniqueKey: LIST_BY_UNIQUE_KEY,
  fingerprint: LIST_BY_FINGERPRINT,
  group: LIST_BY_GROUP,
  workflowId: LIST_BY_WORKFLOW,
};

const FIRST_LANE = -2_147_483_648;
const BY_LANE = {
  ready: { list: LIST_READY_BY_LANE, first: [FIRST_LANE, -32_768, '-infinity'] },
  suspect: { list: LIST_SUSPECTS_BY_LANE, first: [FIRST_LANE, -32_768, '-infinity'] },
  fair: { list: LIST_FAIR_BY_LANE, first: [FIRST_LANE, '', -32_768, '-infinity'] },
};

/** In the order of the parameters of `find_listed`. */
const PARTS = [
  ...(['states', 'queue', 'name', 'fingerprint', 'uniqueKey'] as const),
  ...(['createdAfter', 'createdBefore', 'finishedAfter', 'finishedBefore'] as const),
  ...(['group', 'workflowId', 'label'] as const),
  ...(['schedule', 'worker', 'error', 'errorKey', 'since'] as const),
];

const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const LONG_AGO = '-infinity';

/** Lists of ids, each along the index of its place, and the jobs behind them. Bounded, whatever the tables hold. */
export class ListingRepository {
  constructor(private readonly database: Database) {}

  async running(
    { lanes, after, limit }: ListWish,
    { worker }: Pick<Wanted, 'worker'> = {},
  ): Promise<ListRead> {
    const values = [SHARD, lanes ?? null, after?.id ?? FIRST_ID, limit, worker ?? null];
    return whole(await this.database.callers.run(LIST_RUNNING, values), limit);
  }

  async suspects({ lanes, after, limit }: ListWish): Promise<ListRead> {
    return whole(
      await this.database.callers.run(LIST_SUSPECTS, [SHARD, lanes, after?.id ?? FIRST_ID, limit]),
      limit,
    );
  }

  /** What may run lane by lane, where there are too many to merge them. */
  async byLane(place: keyof typeof BY_LANE, { lanes, after, limit }: ListWish): Promise<ListRead> {
    const { list, first } = BY_LANE[place];
    const key = partsOf(after, first);
    const values = [SHARD, lanes ?? null, limit, MAX_WALKED, after?.id ?? FIRST_ID, ...key];
    return walked(await this.database.callers.run(list, values), limit);
  }

  async ready({ lanes, after, limit }: ListWish): Promise<ListRead> {
    const { priority, at, id } = after ?? { priority: -32_768, at: LONG_AGO, id: FIRST_ID };
    return whole(
      await this.database.callers.run(LIST_READY, [SHARD, lanes, priority, at, id, limit]),
      limit,
    );
  }

  async fair({ lanes, after, limit }: ListWish): Promise<ListRead> {
    const place = partsOf(after, [0, '', -32_768, LONG_AGO]);
    return whole(
      await this.database.callers.run(LIST_FAIR, [
        SHARD,
        lanes,
        ...place,
        after?.id ?? FIRST_ID,
        limit,
      ]),
      limit,
    );
  }

  async lost({ lanes, after, limit }: ListWish): Promise<ListRead> {
    return walked(
      await this.database.callers.run(LIST_LOST, [
        SHARD,
        lanes ?? null,
        after?.id ?? FIRST_ID,
        limit,
        MAX_WALKED,
      ]),
      limit,
    );
  }

  async staged({ lanes, after, limit }: ListWish): Promise<ListRead> {
    const values = [SHARD, lanes ?? null, after?.id ?? FIRST_ID, limit, MAX_WALKED];
    return walked(await this.database.callers.run(LIST_STAGED, values), limit);
  }

  async blocked({ lanes, after, limit }: ListWish): Promise<ListRead> {
    const values = [SHARD, lanes ?? null, ...partsOf(after, ['', 0, 0]), limit, MAX_WALKED];
    return walked(await this.database.callers.run(LIST_BLOCKED, values), limit);
  }

  /** Lanes that the registry does not have any more: jobs of them are in no lane of a queue. */
  async laneless(most: number): Promise<number[]> {
    const rows = await this.database.callers.run<{ id: number }>(LIST_LANELESS_NUMBERS, [SHARD, most]); // prettier-ignore
    return rows.map(({ id }) => id);
  }

  async keyed({ lanes, after, limit }: ListWish): Promise<ListRead> {
    const place = [...partsOf(after, ['', 0, -32_768, LONG_AGO]), after?.id ?? FIRST_ID];
    const values = [SHARD, lanes ?? null, ...place, limit, MAX_WALKED];
    return walked(await this.database.callers.run(LIST_KEYED, values), limit);
  }

  async scheduled({ lanes, after, limit }: ListWish): Promise<ListRead> {
    const { at, id } = after ?? { at: LONG_AGO, id: FIRST_ID };
    return walked(
      await this.database.callers.run(LIST_SCHEDULED, [
        SHARD,
        lanes ?? null,
        at,
        id,
        limit,
        MAX_WALKED,
      ]),
      limit,
    );
  }

  async deadLetters({ lanes, after, limit }: ListWish): Promise<ListRead> {
    const { run } = this.database.callers;
    const before = after?.id ?? LAST_ID;
    const found = lanes
      ? await run<ListKey>(LIST_DEAD_LETTERS, [SHARD, lanes, before, limit])
      : await run<ListKey>(LIST_ALL_DEAD_LETTERS, [SHARD, before, limit]);
    return whole(found, limit);
  }

  async archive(
    { lanes, after, limit }: ListWish,
    { states, finishedAfter, since, group, workflowId }: Wanted,
  ): Promise<ListRead> {
    const where = [
      SHARD,
      states,
      lanes ?? null,
      after?.id ?? LAST_ID,
      limit,
      MAX_WALKED,
      finishedAfter ?? since ?? LONG_AGO,
      group ?? null,
      workflowId ?? null,
    ];
    return walked(await this.database.callers.run(LIST_ARCHIVE, where), limit);
  }

  /** What has one of these, newest id first: of a group or a workflow live jobs alone. */
  async by(part: keyof typeof BY, text: string, { after, limit }: ListWish): Promise<ListRead> {
    const values = [SHARD, text, after?.id ?? LAST_ID, limit];
    return whole(await this.database.callers.run(BY[part], values), limit);
  }

  /** Those of these jobs that are wanted, as they are now. */
  find(ids: string[], wanted: Wanted): Promise<ListedRow[]> {
    const { attempts, where = [] } = wanted;
    const parts = PARTS.map((part) => wanted[part] ?? null);
    const rest = [
      attempts?.min ?? null,
      attempts?.max ?? null,
      JSON.stringify(where),
      wanted.until ?? null,
    ];
    return this.database.callers.run(FIND_LISTED, [ids, ...parts, ...rest]);
  }
}

/** Of a key with several parts, as JSON in `at`. */
const partsOf = (after: ListKey | undefined, first: unknown[]): unknown[] =>
  after?.at === undefined ? first : (JSON.parse(after.at) as unknown[]);

/** A read that brought less than it might have is the last one. */
function whole(found: ListKey[], limit: number): ListRead {
  const looked = found.length;
  return looked < limit ? { found, looked } : { found, looked, end: found.at(-1) };
}

/** A walk that was cut says where: its last row is no hit. */
function walked(rows: WalkedKey[], limit: number): ListRead {
  const found = rows.filter((row) => row.hit);
  const cut = rows.find((row) => !row.hit);
  return cut ? { found, end: cut, looked: MAX_WALKED } : whole(found, limit);
}
