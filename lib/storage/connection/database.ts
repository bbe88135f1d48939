import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import type { InTransaction } from '../../job/enqueue-options.js';
import { noManager, noTransaction } from '../../job/joining.js';
import { quote } from '../../job/names.js';
import { QueueError } from '../../job/queue.errors.js';
import { inSchema } from '../../../migrations/schema.js';
import { CallerStatements } from './callers/caller-statements.js';
import { connectionOptionsOf, reaches, sameDatabase } from './connection-options.js';
import { Connections, type Run } from './connections.js';
import { clientOf, Joined } from './callers/joined.js';
import type { Called } from '../../runtime/words.js';
import type { Statement } from './statement.js';
import { dataSourceOf } from './type-orm.js';
import { Waiters } from './callers/waiters.js';

export type { Run } from './connections.js';

interface DatabaseOptions extends Called {
  preparedStatements: boolean;
  poolMode: 'session' | 'transaction';
  queryTimeoutMs: number;
  /** Connections for callers, fewer than usual. */
  callersMax?: number;
  /** What a full server does not take goes to the disk, at once. */
  spool?: object | undefined;
  worker?: object | undefined;
  /** The ambient transaction, if there is one. */
  transaction?: () => EntityManager | QueryRunner | undefined;
}

/** One for each loop that may be under way, and two for those of permits and of turns, so that a heartbeat never waits for a claim; opened when they are needed. A test counts. */
const LOOPS_MAX = 24;
/** Less than PostgreSQL's deadlock timeout: where a loop and an application wait for each other, the loop gives way. */
const LOOPS_LOCK_TIMEOUT_MS = 500;
const LOOPS = {
  max: LOOPS_MAX,
  lockTimeoutMs: LOOPS_LOCK_TIMEOUT_MS,
  plans: 'generic',
} as const;
/** Callers may have to wait for each other; however many do, what waits for nobody keeps its own connections, and so do the loops. */
const CALLERS_MAX = 5;
const WAITERS_MAX = 5;
const SETTLERS_MAX = 5;
/** What a process may open beside its pool at most, with the listener's and the stand-in's. */
export const OWN_CONNECTIONS = LOOPS_MAX + CALLERS_MAX + 2 * WAITERS_MAX + SETTLERS_MAX + 2;
/** Of calls, where the server has no room for another connection; loops rest, and come again. */
const PATIENCE_MS = 5_000;
/** Before a call that meets a lock goes to the connections for waiting. */
const HASTY_LOCK_TIMEOUT_MS = 100;
/** Of the time that a statement has: a lock that was not to be had is reported as such, before the statement's time is over. */
const LOCK_SHARE = 0.8;

/** Every way to the database: connections of the loops, connections for callers without a transaction, callers' transactions. */
export class Database {
  readonly loops: Connections;
  /** For what waits for nobody: plain enqueues, claims and renewals of remote workers, looks. */
  readonly callers: Connections;
  /** For what may wait until others' transactions end: keys, callers' ids, limits, ordered groups, cancels, operators. */
  readonly waiters: Waiters;
  /** For runs that write: somebody may hold their job locked, to cancel it. */
  readonly settlers: Connections;
  /** What a printed command that is about these tables repeats. */
  readonly called: Called = this.options;
  private readonly callersOwn: CallerStatements;
  private readonly known: WeakSet<DataSource>;
  private readonly texts = new WeakMap<Statement, string>();

  constructor(
    readonly dataSource: DataSource,
    private readonly options: DatabaseOptions,
  ) {
    const shared = this.shared();
    const address = connectionOptionsOf(dataSource);
    const patienceMs = this.options.spool ? 0 : PATIENCE_MS;
    // Without a worker these are for calls as well: they find lanes.
    const ofLoops = { ...shared, ...LOOPS, patienceMs: this.options.worker ? 0 : patienceMs };
    this.loops = new Connections(address, ofLoops);
    const lockTimeoutMs = Math.ceil(this.options.queryTimeoutMs * LOCK_SHARE);
    const calls = { ...shared, lockTimeoutMs, plans: 'insertions', patienceMs } as const;
    this.callers = new Connections(address, { ...calls, max: this.callersMax });
    const waiting = { ...calls, max: WAITERS_MAX };
    const hastyMs = Math.min(HASTY_LOCK_TIMEOUT_MS, lockTimeoutMs);
    this.waiters = new Waiters(
      new Connections(address, { ...waiting, lockTimeoutMs: hastyMs }),
      new Connections(address, waiting),
    );
    const settling = { ...calls, max: SETTLERS_MAX, patienceMs: PATIENCE_MS };
    this.settlers = new Connections(address, settling);
    this.callersOwn = new CallerStatements(shared);
    this.known = new WeakSet([dataSource]);
  }

  /**
   * The transaction to join: the given one, the resolver's, or one that TypeORM itself is in (typeorm-transactional).
   * @throws QueueError `MANAGER_FOREIGN` for another database, `MANAGER_INACTIVE` outside a transaction, `INVALID_OPTION` for what is no manager.
   */
  transactionOf(options: InTransaction): Joined | undefined {
    const { manager } = checkedOptions(options);
    if (manager !== undefined) return this.join(checked(manager, noManager));
    const resolved = this.resolved();
    if (resolved) return this.join(resolved);
    const ambient = this.dataSource.manager;
    return isIn(ambient) ? this.join(ambient) : undefined;
  }

  /** In the joined transaction, or on connections of our own, each statement by itself. */
  within<T>(
    joined: Joined | undefined,
    work: (run: Run) => Promise<T>,
    elsewhere: { readonly run: Run } = this.callers,
  ): Promise<T> {
    return joined ? joined.alone(work) : work(elsewhere.run);
  }

  /** An ambient transaction that is over for good is no leave to store the job without it. */
  private resolved(): EntityManager | QueryRunner | undefined {
    const given = this.options.transaction?.();
    if (given === undefined) return undefined;
    const runner = runnerOf(checked(given, noTransaction));
    return runner?.isTransactionActive || runner?.isReleased ? given : undefined;
  }

  private join(manager: EntityManager | QueryRunner): Joined {
    this.callers.refuseWhenClosed();
    this.refuseForeign(dataSourceOf(manager)!);
    const runner = runnerOf(manager);
    this.refuseReplica(runner);
    return new Joined(runner, this.callersOwn);
  }

  /** TypeORM gives whoever asks for a `slave` a connection to a replica, which may be a database that is written to. */
  private refuseReplica(runner: QueryRunner | undefined): void {
    if (runner?.getReplicationMode() !== 'slave') return;
    const client = clientOf(runner);
    if (client && !reaches(client, this.dataSource)) throw foreign();
  }

  private refuseForeign(dataSource: DataSource): void {
    if (this.known.has(dataSource)) return;
    if (!sameDatabase(dataSource, this.dataSource)) throw foreign();
    this.known.add(dataSource);
  }

  textOf(statement: Statement): string {
    let text = this.texts.get(statement);
    if (text === undefined)
      this.texts.set(statement, (text = inSchema(statement.text, this.options.schema)));
    return text;
  }

  /** A further connection, for whoever must not use the others; leaves nothing on it, and is closed by whoever asked. */
  aside(queryTimeoutMs: number): Connections {
    const careful = {
      poolMode: 'transaction',
      preparedStatements: false,
      plans: 'insertions',
    } as const;
    return new Connections(connectionOptionsOf(this.dataSource), {
      ...this.shared(),
      ...careful,
      max: 1,
      lockTimeoutMs: LOOPS_LOCK_TIMEOUT_MS,
      queryTimeoutMs,
    });
  }

  private get callersMax(): number {
    return this.options.callersMax ?? CALLERS_MAX;
  }

  private shared() {
    return { ...this.options, textOf: (statement: Statement) => this.textOf(statement) };
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((connections) => connections.close()));
  }

  /** Closes without waiting for a server that may not reply any more: what is under way fails now. */
  abandon(): void {
    for (const connections of this.all) connections.abandon();
  }

  private get all() {
    return [this.loops, this.callers, this.waiters, this.settlers];
  }
}

/** What is beside the transaction by mistake would be stored whatever becomes of it. */
function checkedOptions(options: InTransaction): InTransaction {
  if (typeof options !== 'object' || options === null)
    throw invalid(`options must be an object, not ${quote(options)}`);
  if ('queryRunner' in options && options.manager === undefined)
    throw invalid('an EntityManager was given as the options. Give it as { manager }');
  return options;
}

/** Also null is refused: whoever gives a manager wants a transaction, and would find the job outside of it. */
function checked<Given extends EntityManager | QueryRunner>(
  given: Given,
  refusal: (given: unknown) => QueueError,
): Given {
  if (typeof given === 'object' && given !== null && dataSourceOf(given)?.options) return given;
  throw refusal(given);
}

const runnerOf = (given: EntityManager | QueryRunner): QueryRunner | undefined =>
  'isTransactionActive' in given ? given : given.queryRunner;

const isIn = (manager: EntityManager): boolean => manager.queryRunner?.isTransactionActive ?? false;

const invalid = (problem: string): QueueError => new QueueError('INVALID_OPTION', `${problem}.`);

function foreign(): QueueError {
  return new QueueError(
    'MANAGER_FOREIGN',
    'The given manager belongs to another database than the queue, perhaps to a replica: the job would not be part of its transaction. Give a manager of the DataSource that the module uses, or name that DataSource in forRoot({ dataSource }).',
  );
}
