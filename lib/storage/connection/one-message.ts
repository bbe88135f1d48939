import pg from 'pg';
import { unserved } from './database-errors.js';
import { unhurried } from './unhurried.js';

export const ROLLBACK = 'rollback';

/** The part of the driver's connection that writes messages of the extended protocol. */
interface Wire {
  parse(message: { text: string }): void;
  bind(message: object): void;
  execute(message: object): void;
  sync(): void;
  parsedStatements: Record<string, string>;
}

/** The driver's query, with what it says and hears while it is sent. */
interface Sent extends pg.Query {
  name?: string;
  prepare(wire: Wire): void;
  handleCommandComplete(message: object, wire: Wire): void;
  handleError(error: Error, wire: Wire): void;
}

const Base = pg.Query as unknown as new (
  config: pg.QueryConfig,
  callback: (error: Error | null, results: pg.QueryResult[]) => void,
) => Sent;

/**
 * A statement with the beginning, the settings and the commit of its transaction: sent at once, with one reply. Sent one by one, they left a
 * transaction open where the event loop was blocked between two, with its locks: on the lease of the process, for one.
 * @throws Error as the driver says it; `unserved` where not even the beginning had a reply.
 */
export function inOneMessage(
  client: pg.ClientBase,
  head: readonly string[],
  query: pg.QueryConfig,
): Promise<pg.QueryResult> {
  let message: OneMessage;
  const send = (words: readonly string[]): Promise<pg.QueryResult> =>
    new Promise((resolve, reject) => {
      message = new OneMessage(words, query, (error, results) => {
        if (!error) resolve(results[words.length]!);
        else reject(message.answered === 0 ? unserved(error) : error);
      });
      client.query(message);
    });
  return unhurried(
    (again) => send(again ? [ROLLBACK, ...head] : head),
    () => message.isUndone,
  );
}

class OneMessage extends Base {
  /** How many of its statements were. */
  answered = 0;

  constructor(
    private readonly head: readonly string[],
    query: pg.QueryConfig,
    done: (error: Error | null, results: pg.QueryResult[]) => void,
  ) {
    super(query, done);
  }

  /** The statement itself was not reached. */
  get isUndone(): boolean {
    return this.answered < this.head.length;
  }

  /** Also a statement without values takes this way. */
  requiresPreparation(): boolean {
    return true;
  }

  override prepare(wire: Wire): void {
    for (const text of this.head) send(wire, text);
    super.prepare(wire);
  }

  /** The driver's last step: runs what was bound. */
  _getRows(wire: Wire): void {
    wire.execute({});
    send(wire, 'commit');
    wire.sync();
  }

  override handleCommandComplete(message: object, wire: Wire): void {
    this.answered++;
    super.handleCommandComplete(message, wire);
  }

  override handleError(error: Error, wire: Wire): void {
    // The driver has taken the parsing of the beginning for that of the named statement.
    if (this.name && this.isUndone) delete wire.parsedStatements[this.name];
    super.handleError(error, wire);
  }
}

function send(wire: Wire, text: string): void {
  wire.parse({ text });
  wire.bind({});
  wire.execute({});
}
