import { QueuePolicies } from '../../options/queue-policy.js';
import type { ResolvedOptions } from '../../options/simple-queue.options.js';
import { MOST_COUNTED, type TroubleCode } from '../../job/trouble.js';
import type { Run } from '../connection/connections.js';
import type { Database } from '../connection/database.js';
import { LIST_ROOM, SNAPSHOT_HOLDERS } from '../connection/examine-server.sql.js';
import { SHARD } from '../connection/shard.js';
import type { PartitionRepository } from '../schema/partition.repository.js';
import type { Signals } from '../wake-ups/signals.js';
import type { Spool } from '../../spool/spool.js';
import type { SnapshotHolder } from './diagnosis.js';
import { LIST_TROUBLES } from './list-troubles.sql.js';

/** A trouble as it was counted. */
export interface TroubleRow {
  code: TroubleCode;
  queue: string | null;
  /** Of NO_HANDLER: the lane's. */
  name: string | null;
  labels: string[] | null;
  /** One more than `MOST_COUNTED` where there is more. */
  count: number;
  sinceMs: number | null;
  /** Who or what: ids, a worker, partitions; `alone` of a lane that queue, name and first label name alone. */
  subject: string | null;
  /**
   * What else its text needs to know: of jobs, how many that are no such trouble a filter of states would find, too; of a silent worker, the
   * process of the server whose open transaction keeps its jobs, or -1 where no worker is alive.
   */
  extra: number;
  holder?: SnapshotHolder | undefined;
}

/** How many sessions of a limit are taken: the server's, the database's, this role's. */
interface Room {
  of: string;
  taken: number;
  most: number;
}

/** From here on a limit of connections counts as used up. */
const FULL = 0.9;
/** From here on a transaction counts as long. */
const LONG_MS = 300_000;
/** Where nobody says for how long a transaction is open, the number of transactions since then has to do. */
const MANY_TRANSACTIONS = 10_000;
/** Longer than a listener takes to come back. */
const DEAF_MS = 30_000;

const NOTHING = {
  queue: null,
  name: null,
  labels: null,
  count: 1,
  sinceMs: null,
  subject: null,
  extra: 0,
};

/** Counts what waits for a person: five statements, none of which reads much. */
export class TroubleRepository {
  constructor(
    private readonly database: Database,
    private readonly partitions: PartitionRepository,
    private readonly signals: Signals,
    private readonly spool?: Spool,
  ) {}

  async rows(
    options: ResolvedOptions,
    run: Run = this.database.callers.run,
  ): Promise<TroubleRow[]> {
    const rows = await run<TroubleRow>(LIST_TROUBLES, [SHARD, MOST_COUNTED]);
    const holders = await run<SnapshotHolder>(SNAPSHOT_HOLDERS, []);
    return [
      ...rows.map((row) => ({
        ...row,
        holder:
          row.code === 'WORKER_SILENT' ? holders.find(({ pid }) => pid === row.extra) : undefined,
      })),
      ...(await run<Room>(LIST_ROOM, []))
        .filter(({ taken, most }) => taken >= FULL * most)
        .map(fullRow),
      ...holders.filter((holder) => isLong(holder)).map(holderRow),
      ...(await this.missingPartitions(options, run)),
      ...this.deaf(),
      ...this.spooled(),
    ];
  }

  private async missingPartitions(options: ResolvedOptions, run: Run): Promise<TroubleRow[]> {
    const kept = new QueuePolicies(options).longestKeepMs();
    const missing = await this.partitions.missingAhead(kept, run);
    return missing.length === 0
      ? []
      : [{ ...NOTHING, code: 'PARTITIONS', count: missing.length, subject: missing.join(' ') }];
  }

  /** On a disk that this process knows. */
  private spooled(): TroubleRow[] {
    if (!this.spool) return [];
    const { aside, refused, folder } = this.spool.state;
    const extra = aside.damaged + refused;
    if (aside.jobs + extra === 0) return [];
    return [{ ...NOTHING, code: 'SPOOL', count: aside.jobs, extra, subject: folder }];
  }

  /** Of this process: no other can know it. */
  private deaf(): TroubleRow[] {
    const { listening } = this.signals;
    if (!listening || listening.isListening || listening.silentMs < DEAF_MS) return [];
    return [{ ...NOTHING, code: 'LISTEN', sinceMs: listening.silentMs }];
  }
}

const isLong = ({ openMs, transactions }: SnapshotHolder, longMs = LONG_MS): boolean =>
  openMs === null ? transactions > MANY_TRANSACTIONS : openMs > longMs;

const fullRow = ({ of, taken, most }: Room): TroubleRow => ({
  ...NOTHING,
  code: 'CONNECTIONS',
  count: taken,
  subject: of,
  extra: most,
});

const holderRow = (holder: SnapshotHolder): TroubleRow => ({
  ...NOTHING,
  code: 'HORIZON',
  sinceMs: holder.openMs,
  subject: String(holder.pid),
  holder,
});
