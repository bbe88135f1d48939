import type pg from 'pg';
import { randomBytes } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { connectionOptionsOf } from './connection-options.js';
import { DatabaseError } from './database-errors.js';
import { BACKEND } from './backend.sql.js';
import { OwnClient } from './own-client.js';
import { OWN_PARSERS } from './own-parsers.js';
import { NOTIFY } from '../wake-ups/notify.sql.js';

export interface ProbeOptions {
  dataSource: DataSource;
  timeoutMs: number;
}

/** What is between this process and the server: nothing, or a pooler that keeps or does not keep a session for its client. */
export type Pooling = 'none' | 'session' | 'transaction';

/** On a busy pooler another client may take the connection that the first one had; then the next round finds out. */
const ROUNDS = 3;

/**
 * In transaction mode of a pooler a client's connection to the server changes between
 * two questions, or serves another client, too. Neither client holds one while the other asks, so that a pool of one is enough.
 */
export async function probePooling(options: ProbeOptions): Promise<Pooling> {
  return withClients(options, 2, async ([first, second]) => {
    for (let round = 0; round < ROUNDS; round++) {
      const [before, after] = [await pidOf(first!), await pidOf(first!)];
      // The only connection is kept for the first client: it waits in vain.
      const beside = await pidOf(second!).catch(() => undefined);
      if (before !== after || after === beside) return 'transaction';
      if (before === toldOf(first!) && beside === toldOf(second!)) return 'none';
      if (beside === undefined) break;
    }
    return 'session';
  });
}

/** Milliseconds until a NOTIFY, sent beside it, has come to a connection that listens; undefined: not in time. */
export async function probeListening(
  options: ProbeOptions & { listenUrl?: string },
): Promise<number | undefined> {
  return withClients(options, 1, ([listener]) =>
    withClients({ ...options, listenUrl: undefined }, 1, ([sender]) =>
      hears(listener!, sender!, options.timeoutMs),
    ),
  );
}

async function hears(
  listener: pg.Client,
  sender: pg.Client,
  timeoutMs: number,
): Promise<number | undefined> {
  const channel = `sq_doctor_${randomBytes(6).toString('hex')}`;
  await listener.query(`listen "${channel}"`);
  const sentAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const heard = new Promise<number | undefined>((resolve) => {
    listener.on('notification', () => resolve(performance.now() - sentAt));
    timer = setTimeout(() => resolve(undefined), timeoutMs);
  });
  try {
    await sender.query(NOTIFY.text, [channel, '']);
    return await heard;
  } finally {
    clearTimeout(timer);
  }
}

/** What a start asks of the server first, in one question. */
export interface Server {
  /** Such as 180001. */
  version: number;
  mayBePooled: boolean;
}

/**
 * May something be between a client and the server? A pooler gives its clients a process number of its own making, or that of its first connection, which
 * may serve this client as well; but it asks from a port of its own. A mere proxy does so, too.
 */
export async function serverOf(client: pg.ClientBase): Promise<Server> {
  const { pid, port, version } = await backendOf(client);
  const { localPort = null } = (client as unknown as Inner).connection?.stream ?? {};
  return { version, mayBePooled: pid !== toldOf(client) || port !== localPort };
}

const pidOf = async (client: pg.ClientBase): Promise<number> => (await backendOf(client)).pid;

/** Without a port: by a socket of the file system. */
async function backendOf(
  client: pg.ClientBase,
): Promise<{ pid: number; port: number | null; version: number }> {
  const query = { text: BACKEND.text, types: OWN_PARSERS };
  const { rows } = await client.query<{ pid: string; port: string | null; version: string }>(query);
  const { pid, port, version } = rows[0]!;
  const numbers = { pid: Number(pid), version: Number(version) };
  return { ...numbers, port: port === null ? null : Number(port) };
}

/** What the driver does not promise. */
interface Inner {
  processID: number | null;
  connection?: { stream?: { localPort?: number } };
}

const toldOf = (client: pg.ClientBase): number | null => (client as unknown as Inner).processID;

async function withClients<Answer>(
  { dataSource, timeoutMs, listenUrl }: ProbeOptions & { listenUrl?: string },
  count: number,
  work: (clients: pg.Client[]) => Promise<Answer>,
): Promise<Answer> {
  const limits = { query_timeout: timeoutMs, connectionTimeoutMillis: timeoutMs };
  const config = { ...connectionOptionsOf(dataSource, listenUrl), ...limits };
  const clients = Array.from({ length: count }, () => new OwnClient(config));
  for (const client of clients) client.on('error', () => undefined);
  try {
    await Promise.all(clients.map((client) => client.connect()));
    return await work(clients);
  } catch (error) {
    throw error instanceof DatabaseError
      ? error
      : new DatabaseError('examine the connection', error);
  } finally {
    // Not awaited: one that never replies would hold up the rest.
    for (const client of clients) void client.end().catch(() => undefined);
  }
}
