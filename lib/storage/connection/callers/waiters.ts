import type { Connections, Run } from '../connections.js';
import { DatabaseError, LOCKED } from '../database-errors.js';
import { WaitingLine } from './waiting-line.js';

/** What a pool says whose clients are all taken, not what it says of a database that does not answer. */
const ALL_TAKEN = /timeout exceeded when trying to connect/;

/** What a call may have to wait for, in words of its own; asked only where somebody waits. */
type Names = () => string[];

/** How a call takes its turn among others before it goes to the database; whoever has met a lock holds up none of them. */
type Carry = <T>(work: () => Promise<T>) => Promise<T>;

/** Of a batch nobody knows what it waits for: it is in the way of its own like alone. */
const MOST_NAMES = 3;

const marksOf = (names: string[]): string[] =>
  names.length > MOST_NAMES ? [names.join(' ')] : names;

/**
 * For what may wait until others' transactions end. Whoever really meets a lock gives the connection back soon, and waits on those for
 * waiting, one call per name at a time. As long as somebody waits for a name, who comes for the same one joins its line at once: however
 * many come, they have one connection together, and calls for other names go on. What met a lock was rolled back, and is repeated as a whole.
 */
export class Waiters {
  private readonly lines = new Map<string, WaitingLine>();
  private readonly door: WaitingLine;

  constructor(
    private readonly hasty: Connections,
    private readonly patient: Connections,
  ) {
    this.door = new WaitingLine(hasty.connectTimeoutMs, hasty.max);
  }

  /** Calls that wait for one of these names. */
  about(names: Names, carry: Carry = (work) => work()): Pick<Connections, 'run' | 'transaction'> {
    return {
      run: (statement, values) =>
        this.eitherWay(names, (connections) => connections.run(statement, values), carry),
      transaction: (work) =>
        this.eitherWay(names, (connections) => connections.transaction(work), carry),
    };
  }

  /** A statement with the same values waits for the same. */
  readonly run: Run = (statement, values) =>
    this.about(() => [`${statement.name} ${JSON.stringify(values)}`]).run(statement, values);

  async close(): Promise<void> {
    await Promise.all([this.hasty.close(), this.patient.close()]);
  }

  abandon(): void {
    this.hasty.abandon();
    this.patient.abandon();
  }

  private async eitherWay<T>(
    names: Names,
    work: (connections: Connections) => Promise<T>,
    carry: Carry,
  ): Promise<T> {
    const isExpected = (): boolean => this.lines.size > 0 && this.lineOf(names()) !== undefined;
    try {
      // Asked again at the door: a crowd may have come before the first of it met a lock.
      const hastily = async (): Promise<Done<T>> =>
        isExpected() ? undefined : unlessLocked(() => work(this.hasty));
      const done = isExpected() ? undefined : await carry(() => this.door.alone(hastily));
      return done ? done.answer : await this.inLine(names(), () => work(this.patient));
    } catch (error) {
      throw asLocked(error);
    }
  }

  private lineOf(names: string[]): WaitingLine | undefined {
    for (const name of [...names, ...marksOf(names)])
      if (this.lines.has(name)) return this.lines.get(name);
    return undefined;
  }

  private async inLine<T>(names: string[], work: () => Promise<T>): Promise<T> {
    const line = this.lineOf(names) ?? new WaitingLine(this.patient.connectTimeoutMs);
    for (const name of marksOf(names))
      if (!this.lines.has(name)) this.lines.set(name, line.called(name));
    try {
      return await line.alone(work);
    } finally {
      if (line.isEmpty) for (const name of line.names) this.lines.delete(name);
    }
  }
}

/** undefined: a lock was met, and nothing is done. */
type Done<T> = { answer: T } | undefined;

async function unlessLocked<T>(work: () => Promise<T>): Promise<Done<T>> {
  try {
    return { answer: await work() };
  } catch (error) {
    if (error instanceof DatabaseError && error.sqlState === LOCKED) return undefined;
    throw error;
  }
}

/** Where others that wait have all connections, the database is well, and nothing was sent. */
function asLocked(error: unknown): unknown {
  const areTaken =
    error instanceof DatabaseError && error.sqlState === undefined && ALL_TAKEN.test(error.message);
  return areTaken
    ? new DatabaseError('get one of the connections for calls that wait', error, LOCKED)
    : error;
}
