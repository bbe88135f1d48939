import type { LimitShares } from '../limits/limit.repository.js';
import { LIST_SHARES } from '../limits/list-shares.sql.js';
import { LATE, within } from '../../runtime/within.js';
import { SCHEMA_VERSION } from '../../../migrations/schema.js';
import { rightsOf, type RoleKind } from '../../../migrations/roles.js';
import { guarded, type Connections, type Run } from '../connection/connections.js';
import {
  probeListening,
  probePooling,
  type Pooling,
  type ProbeOptions,
} from '../connection/connection-probes.js';
import { DatabaseError } from '../connection/database-errors.js';
import type { Database } from '../connection/database.js';
import { driftOf, type SchemaDrift, type SchemaPart } from '../schema/schema-drift.js';
import { SHARD } from '../connection/shard.js';
import { LIST_RUN_TIMES, LIST_SERIES } from '../tally/tally.sql.js';
import { CHECK_PLACES } from './check-places.sql.js';
import { CHECK_SOME_PLACES } from './check-some-places.sql.js';
import { TROUBLED_SCHEDULES } from './troubled-schedules.sql.js';
import { COUNT_DEFAULTS } from './count-defaults.sql.js';
import { DESCRIBE_SCHEMA } from '../schema/describe-schema.sql.js';
import {
  LIST_PREPARED_TRANSACTIONS,
  LIST_REPLICATION_SLOTS,
  ROLE_RIGHTS,
  SERVER_STATE,
  SESSION_STATE,
  SNAPSHOT_HOLDERS,
  TABLE_VACUUMS,
} from '../connection/examine-server.sql.js';
import { LIST_LANELESS } from './list-laneless.sql.js';
import { LIST_SLOW_KEYS, type SlowKeys } from './list-slow-keys.sql.js';
import { LIST_WAITING_LANES } from './list-waiting-lanes.sql.js';
import { SAMPLE_PAYLOADS } from './sample-payloads.sql.js';
import { readVersion } from '../schema/schema-version.js';

export interface ServerState {
  version: number;
  versionText: string;
  now: Date;
  readOnly: boolean;
  /** Of the database. */
  encoding: string;
  fsync: boolean;
  fullPageWrites: boolean;
  autovacuum: boolean;
  /** For ordinary roles, in all databases. */
  maxConnections: number;
  connections: number;
}

/** Jobs of a lane that is not there; of dead letters nobody knows the queue. */
export interface LanelessJobs {
  lane: number;
  queue: number | null;
  name: string | null;
  jobs: number;
  id: string;
}

/** A session that keeps vacuum from removing what died; null where this role may not see it. */
export interface SnapshotHolder {
  pid: number;
  role: string | null;
  application: string | null;
  state: string | null;
  /** The first word of its statement. */
  verb: string | null;
  transactions: number;
  openMs: number | null;
}

interface PreparedTransaction {
  gid: string;
  role: string;
  openMs: number;
}

export interface ReplicationSlot {
  name: string;
  active: boolean;
  /** How many transactions vacuum is held back by. */
  transactions: number | null;
  heldBytes: number | null;
}

export interface TableVacuum {
  name: string;
  dead: number;
  live: number;
  /** Transactions since its oldest row was frozen, and where the server forces a vacuum. */
  age: number;
  maxAge: number;
  /** null: never since the statistics began. */
  vacuumedMs: number | null;
  disabled: boolean;
  /** On the disk, with indexes. */
  bytes: number;
}

interface SessionState<ReadOnly> {
  isolation: string;
  readOnly: ReadOnly;
  /** The schemas that it searches, in their order. */
  searched: string;
}

export type { RoleKind };

interface RoleRights {
  usage: boolean | null;
  missing: string[];
  /** Tables that another role owns, whose partitions this one cannot make. */
  foreign: string[];
}

export type SchemaState =
  { version: number; compatibleFrom: number; target: number } | 'none' | 'denied';

const WITHOUT_VERSION: Readonly<Record<string, 'none' | 'denied'>> = {
  '42P01': 'none',
  '3F000': 'none',
  '42501': 'denied',
};

export interface WaitingLane {
  lane: number;
  queue: string;
  name: string;
  labels: string[];
  jobs: number;
  workers: number;
}

/** Rows of the default partitions. */
interface Defaults {
  archiveDefault: number;
  deadLetterDefault: number;
}

/** Names of schedules; `schedules`: how many there are. */
interface TroubledSchedules {
  ended: string[];
  undeclared: string[];
  schedules: number;
}

/** A job that does not stand in exactly one place, or a place that holds no live job. */
export interface PlaceBreach {
  id: string | null;
  epoch: number | null;
  lives: boolean;
  places: string[] | null;
}

/** TypeORM's default, that of `pg`. */
const DEFAULT_POOL = 10;

/** Everything that a doctor asks of a database. One connection of its own, so that a sick pool is examined and not used. */
export class Diagnosis {
  private readonly connections: Connections;

  constructor(
    private readonly database: Database,
    private readonly options: { schema: string; listenUrl?: string; timeoutMs: number },
  ) {
    this.connections = database.aside(options.timeoutMs);
  }

  close(): Promise<void> {
    return this.connections.close();
  }

  get run(): Run {
    return this.connections.run;
  }

  async server(): Promise<ServerState> {
    return (await this.run<ServerState>(SERVER_STATE, []))[0]!;
  }

  /** How large the application's own pool is; undefined: there is none, as on the command line. */
  get poolSize(): number | undefined {
    const { dataSource } = this.database;
    const { extra, poolSize } = dataSource.options as {
      poolSize?: number;
      extra?: { max?: number };
    };
    return 'query' in dataSource ? (extra?.max ?? poolSize ?? DEFAULT_POOL) : undefined;
  }

  /** Of the application's own pool, which may be exhausted. */
  async session(): Promise<SessionState<boolean> | typeof LATE> {
    const work = () => this.database.dataSource.query<SessionState<string>[]>(SESSION_STATE.text);
    const rows = await within(guarded(SESSION_STATE, work), this.options.timeoutMs);
    // As text: the application's parsers may make anything of a boolean.
    return rows === LATE ? LATE : { ...rows[0]!, readOnly: rows[0]!.readOnly === 'on' };
  }

  snapshotHolders(): Promise<SnapshotHolder[]> {
    return this.run(SNAPSHOT_HOLDERS, []);
  }

  preparedTransactions(): Promise<PreparedTransaction[]> {
    return this.run(LIST_PREPARED_TRANSACTIONS, []);
  }

  replicationSlots(): Promise<ReplicationSlot[]> {
    return this.run(LIST_REPLICATION_SLOTS, []);
  }

  /** How many runs began `fromMs` to `toMs` ago, as far as workers have counted them. */
  async started(fromMs: number, toMs: number): Promise<number> {
    const [from, to] = [fromMs, toMs].map((ms) => new Date(Date.now() - ms));
    const rows = await this.run<{ started: number }>(LIST_SERIES, [SHARD, from, to, fromMs, null]);
    return rows.reduce((sum, { started }) => sum + started, 0);
  }

  vacuums(): Promise<TableVacuum[]> {
    return this.run(TABLE_VACUUMS, [this.options.schema]);
  }

  async rights(kind: RoleKind): Promise<RoleRights> {
    return (await this.run<RoleRights>(ROLE_RIGHTS, [this.options.schema, rightsOf(kind)]))[0]!;
  }

  /** Which version of the tables is there, and which this release creates. */
  async version(): Promise<SchemaState> {
    try {
      const row = await readVersion(this.run);
      return row ? { ...row, target: SCHEMA_VERSION } : 'none';
    } catch (error) {
      const state =
        error instanceof DatabaseError ? WITHOUT_VERSION[error.sqlState ?? ''] : undefined;
      if (state) return state;
      throw error;
    }
  }

  async drift(): Promise<SchemaDrift> {
    return driftOf(await this.run<SchemaPart>(DESCRIBE_SCHEMA, [this.options.schema]));
  }

  waitingLanes(most: number): Promise<WaitingLane[]> {
    return this.run(LIST_WAITING_LANES, [SHARD, most]);
  }

  async defaults(most: number): Promise<Defaults> {
    return (await this.run<Defaults>(COUNT_DEFAULTS, [SHARD, most]))[0]!;
  }

  async troubledSchedules(most: number): Promise<TroubledSchedules> {
    return (await this.run<TroubledSchedules>(TROUBLED_SCHEDULES, [SHARD, most]))[0]!;
  }

  /** By lane, how long its runs took in the last hour, at least; without those in which none ended. */
  runTimes(lanes: number[]): Promise<{ lane: number; ms: number }[]> {
    return this.run(LIST_RUN_TIMES, [SHARD, lanes]);
  }

  /** Limits per key that cannot keep up with what waits in some of their keys, where runs take so long. */
  slowKeys(times: ReadonlyMap<number, number>): Promise<SlowKeys[]> {
    return this.run(LIST_SLOW_KEYS, [SHARD, JSON.stringify(Object.fromEntries(times))]);
  }

  limits(): Promise<LimitShares[]> {
    return this.run(LIST_SHARES, [SHARD, null, null]);
  }

  /** Payloads as JSON text; null: none, or bytes alone. */
  payloads(lanes: number[], each: number): Promise<{ lane: number; payload: string | null }[]> {
    return this.run(SAMPLE_PAYLOADS, [SHARD, lanes, each]);
  }

  /** All places: for tables of a size that can be read at once. */
  allPlaces(): Promise<PlaceBreach[]> {
    return this.run(CHECK_PLACES, []);
  }

  somePlaces(most: number): Promise<PlaceBreach[]> {
    return this.run(CHECK_SOME_PLACES, [SHARD, most]);
  }

  laneless(most: number): Promise<LanelessJobs[]> {
    return this.run(LIST_LANELESS, [SHARD, most]);
  }

  pooling(): Promise<Pooling> {
    return probePooling(this.probe);
  }

  listening(): Promise<number | undefined> {
    return probeListening({ ...this.probe, listenUrl: this.options.listenUrl });
  }

  private get probe(): ProbeOptions {
    return { dataSource: this.database.dataSource, timeoutMs: this.options.timeoutMs };
  }
}
