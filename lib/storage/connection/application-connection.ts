import type { DataSource } from 'typeorm';
import { LATE, within } from '../../runtime/within.js';
import { isNodePostgres } from './callers/caller-connection.js';
import { serverOf, type Server } from './connection-probes.js';
import { guarded, type Run } from './connections.js';
import { DatabaseError } from './database-errors.js';
import { BACKEND } from './backend.sql.js';
import { OWN_PARSERS } from './own-parsers.js';
import type { Statement } from './statement.js';

/** A pool that is busy for longer may stay so: opening a connection takes far less. */
const PATIENCE_MS = 2_000;

/** What a start asks: of the server and what is between, and statements. */
export interface Asked {
  readonly run: Run;
  server(): Promise<Server>;
}

/**
 * On a connection that the application has already: opening one of ours would take as long as the rest of a start. Nothing is set on it.
 * undefined: there is none that is of use now. The driver is not node-postgres, the pool is busy, its connection is broken, or hurried by settings.
 */
export async function onApplications<Answer extends object>(
  dataSource: DataSource,
  textOf: (statement: Statement) => string,
  work: (asked: Asked) => Promise<Answer>,
): Promise<Answer | undefined> {
  const asking = onClient(dataSource, async (client) => {
    if (!isNodePostgres(client)) return undefined;
    const ask = (statement: Statement) =>
      client.query({ text: textOf(statement), types: OWN_PARSERS });
    return work({
      run: async <Row>(statement: Statement) =>
        (await guarded(statement, () => ask(statement))).rows as Row[],
      server: () => guarded(BACKEND, () => serverOf(client)),
    });
  });
  try {
    const answer = await within(asking, PATIENCE_MS);
    return answer === LATE ? undefined : answer;
  } catch (error) {
    if (error instanceof DatabaseError) return undefined;
    throw error;
  }
}

async function onClient<T>(
  dataSource: DataSource,
  work: (client: unknown) => Promise<T>,
): Promise<T> {
  const runner = dataSource.createQueryRunner('master');
  try {
    return await work(await guarded(BACKEND, () => runner.connect() as Promise<unknown>));
  } finally {
    await runner.release();
  }
}
