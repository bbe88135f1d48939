import type { DataSourceOptions, QueryRunner } from 'typeorm';
import { QueueError } from '../../../job/queue.errors.js';
import { CallerConnection } from './caller-connection.js';
import type { CallerStatements } from './caller-statements.js';
import { guarded, type Run } from '../connections.js';
import { OtherConnection } from '../other-connection.js';
import type { Statement } from '../statement.js';
import { dataSourceOf } from '../type-orm.js';

/** The transaction that was open when a call was made: the call becomes part of that very one, or does nothing. */
export class Joined {
  readonly runner: QueryRunner;
  private readonly connection: CallerConnection | OtherConnection;
  /** Its number on its connection; of another driver than node-postgres they all have one. */
  readonly transaction: number;

  /** @throws QueueError `MANAGER_INACTIVE` outside a transaction. */
  constructor(
    runner: QueryRunner | undefined,
    private readonly statements: CallerStatements,
  ) {
    const client = runner?.isTransactionActive && clientOf(runner);
    if (!client) throw inactive();
    this.runner = runner;
    this.connection = CallerConnection.of(client) ?? OtherConnection.of(runner);
    this.transaction = this.connection.transaction;
    this.run.isUndisturbed = this.connection instanceof CallerConnection;
    this.refuseOver();
  }

  /**
   * Nothing is sent between the statements of `work`: no sibling is stored in a savepoint that `work` may undo, and no commit parts it.
   * @throws QueueError `MANAGER_INACTIVE` when the transaction has ended meanwhile.
   */
  alone<T>(work: (run: Run) => Promise<T>): Promise<T> {
    return this.connection.alone(() => {
      this.refuseOver();
      return work(this.run);
    });
  }

  /** Not through TypeORM, whose subscribers would wait for the connection that this call has taken; its log hears of it all the same. */
  private readonly run: Run = <Row>(statement: Statement, values: unknown[]) => {
    const config = this.statements.configOf(statement, values);
    this.log(config.text, values);
    return guarded(statement, () => this.connection.query<Row>(statement, config));
  };

  private log(text: string, values: unknown[]): void {
    const { logger, options } = dataSourceOf(this.runner)!;
    if (logsQueries(options.logging)) logger.logQuery(text, values, this.runner);
  }

  /** It has ended, or what was done in it was undone. */
  get isOver(): boolean {
    const { isOpen, transaction } = this.connection;
    return this.runner.isReleased || !isOpen || transaction !== this.transaction;
  }

  /** By the word of the server, and with nothing undone since the call was made; false also where nobody knows. */
  get hasCommitted(): boolean {
    return this.connection.committed === this.transaction;
  }

  private refuseOver(): void {
    const { isOpen, isLost, lostBy } = this.connection;
    if (isOpen && isLost && this.runner.isTransactionActive) throw lost(lostBy);
    if (this.isOver) throw inactive();
  }
}

/** undefined until the query runner has asked for something. */
export const clientOf = (runner: QueryRunner): unknown =>
  (runner as { databaseConnection?: unknown }).databaseConnection;

const logsQueries = (logging: DataSourceOptions['logging']): boolean =>
  logging === true || logging === 'all' || (Array.isArray(logging) && logging.includes('query'));

function lost(cause: Error | undefined): QueueError {
  const { code, message } = (cause ?? {}) as { code?: string; message?: string };
  const reason = message ? ` (${message}${code ? `, SQLSTATE ${code}` : ''})` : '';
  return new QueueError(
    'DATABASE_UNAVAILABLE',
    `The connection of the transaction to join was closed${reason}, and the transaction is rolled back. A transaction that waits for something else than the database is closed after idle_in_transaction_session_timeout; a restart or pg_terminate_backend closes it, too. Keep the transaction short, then repeat it.`,
    { cause },
  );
}

function inactive(): QueueError {
  return new QueueError(
    'MANAGER_INACTIVE',
    'The transaction to join is not open: the given manager has none, or it ended before the call was done. Give the one that dataSource.transaction((manager) => ...) hands you, await the call inside it, or leave `manager` out.',
  );
}
