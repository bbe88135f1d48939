import type pg from 'pg';
import type { QueryRunner } from 'typeorm';
import { rowsOf, type Statement } from './statement.js';

const known = new WeakMap<QueryRunner, OtherConnection>();

/** Of a driver that is not node-postgres: calls follow each other, and whether the transaction is open only TypeORM can say. */
export class OtherConnection {
  readonly transaction = 0;
  /** It does not say. */
  readonly committed = undefined;
  private last: Promise<unknown> = Promise.resolve();

  private constructor(private readonly runner: QueryRunner) {}

  static of(runner: QueryRunner): OtherConnection {
    let connection = known.get(runner);
    if (!connection) known.set(runner, (connection = new OtherConnection(runner)));
    return connection;
  }

  readonly isLost = false;
  readonly lostBy = undefined;

  get isOpen(): boolean {
    return this.runner.isTransactionActive;
  }

  alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.last.then(work);
    this.last = done.catch(() => undefined);
    return done;
  }

  async query<Row>(statement: Statement, { text, values }: pg.QueryConfig): Promise<Row[]> {
    const { records, affected } = await this.runner.query(text, values, true);
    return rowsOf(statement, { rows: records as unknown[], rowCount: affected });
  }
}
