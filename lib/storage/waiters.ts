import type { Connections, Run } from './connections.js';
import { DatabaseError, LOCKED } from './database-errors.js';

/** What a pool says whose clients are all taken, not what it says of a database that does not answer. */
const ALL_TAKEN = /timeout exceeded when trying to connect/;

/**
 * For what may wait until others' transactions end. Whoever really meets a lock gives the connection back soon, and waits on those for
 * waiting: however many wait for one key, calls with other keys go on. What met a lock was rolled back, and is repeated as a whole.
 */
export class Waiters {
  constructor(
    private readonly hasty: Connections,
    private readonly patient: Connections,
  ) {}

  readonly run: Run = (statement, values) => this.eitherWay((connections) => connections.run(statement, values));

  transaction<T>(work: (run: Run) => Promise<T>): Promise<T> {
    return this.eitherWay((connections) => connections.transaction(work));
  }

  async close(): Promise<void> {
    await Promise.all([this.hasty.close(), this.patient.close()]);
  }

  private async eitherWay<T>(work: (connections: Connections) => Promise<T>): Promise<T> {
    try {
      return await work(this.hasty);
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.sqlState !== LOCKED) throw asLocked(error);
    }
    return work(this.patient).catch((error: unknown) => {
      throw asLocked(error);
    });
  }
}

/** Where others that wait have all connections, the database is well, and nothing was sent. */
function asLocked(error: unknown): unknown {
  const areTaken = error instanceof DatabaseError && error.sqlState === undefined && ALL_TAKEN.test(error.message);
  return areTaken ? new DatabaseError('get one of the connections for calls that wait', error, LOCKED) : error;
}
