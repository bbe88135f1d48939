import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { QueryRunner } from 'typeorm';
import type { Statement } from './statement.js';

/** The client of node-postgres, with the record of what is prepared on its connection. */
type Client = pg.ClientBase & { connection: { parsedStatements: Record<string, string> } };

/** The server has forgotten a prepared statement (`discard all`, `deallocate all`). */
const UNKNOWN_STATEMENT = '26000';

/** Runs statements on the connection that a caller's query runner holds, as cheaply as it can. */
export class CallerConnection {
  private readonly names = new WeakMap<Statement, string>();

  constructor(private readonly settings: { preparedStatements: boolean; textOf: (statement: Statement) => string }) {}

  /**
   * What only inserts is prepared: parsing and planning cost as much as the insert itself. TypeORM cannot name a statement, so its client
   * is asked; TypeORM's log and subscribers hear nothing of it, unless the DataSource logs queries: then the statement is shown there.
   * Nothing else is prepared: under an application's settings the server may keep a plan that was made while the tables were small.
   */
  async query(runner: QueryRunner, statement: Statement, values: unknown[]): Promise<unknown> {
    const client = this.mayPrepare(runner, statement) ? ((await runner.connect()) as Client) : undefined;
    return isNodePostgres(client)
      ? this.queryPrepared(client, statement, values)
      : runner.query(this.settings.textOf(statement), values);
  }

  private async queryPrepared(client: Client, statement: Statement, values: unknown[]): Promise<unknown[]> {
    const text = this.settings.textOf(statement);
    const name = this.nameOf(statement, text);
    try {
      return (await client.query({ name, text, values })).rows as unknown[];
    } catch (error) {
      // Else this connection would ask for it again and again.
      if ((error as { code?: unknown }).code === UNKNOWN_STATEMENT) delete client.connection.parsedStatements[name];
      throw error;
    }
  }

  private mayPrepare(runner: QueryRunner, { onlyInserts = false }: Statement): boolean {
    return onlyInserts && this.settings.preparedStatements && !runner.isReleased && !logsQueries(runner);
  }

  /** Told apart by text, too: another instance of the module may use the same connection for another schema. */
  private nameOf(statement: Statement, text: string): string {
    let name = this.names.get(statement);
    if (name === undefined) {
      name = `sq_${statement.name}_${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
      this.names.set(statement, name);
    }
    return name;
  }
}

function logsQueries({ dataSource }: QueryRunner): boolean {
  const { logging } = dataSource.options;
  return logging === true || logging === 'all' || (Array.isArray(logging) && logging.includes('query'));
}

/** A DataSource may bring a driver of its own. */
function isNodePostgres(client: Client | undefined): client is Client {
  return typeof client?.connection?.parsedStatements === 'object';
}
