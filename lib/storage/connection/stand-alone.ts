import type { DataSource } from 'typeorm';
import { QueueError } from '../../job/queue.errors.js';
import type { QueueEventBus } from '../../observability/events.js';
import type { ResolvedOptions } from '../../options/simple-queue.options.js';
import { DatabaseError } from './database-errors.js';
import { Storage } from '../storage.js';

/** Where the database of a process without an application is. */
interface Address {
  /** undefined: what the variables `PGHOST`, `PGDATABASE` and so on say, which the driver reads. */
  url?: string;
  /** How errors name it: without a password. */
  shown: string;
  applicationName: string;
  connectTimeoutMs: number;
}

/** Connection refused or lost, no such database or role, wrong password, too many connections. */
const NO_CONNECTION = /^(08|28|3D|53300|57P)/;

/**
 * Opens the storage where no application has a DataSource. In its place is one that only says where the database is: TypeORM takes
 * half a second to load, and nothing here needs it.
 * @throws QueueError `DATABASE_UNAVAILABLE`, `DATABASE_ERROR`, `POSTGRES_TOO_OLD`, and as the option `migrate` says.
 */
export async function openStandAlone(
  address: Address,
  options: ResolvedOptions,
  events: QueueEventBus,
): Promise<Storage> {
  const { url, shown, applicationName, connectTimeoutMs } = address;
  const settings = { type: 'postgres', url, applicationName, connectTimeoutMS: connectTimeoutMs };
  const dataSource = {
    options: settings,
    isInitialized: true,
    subscribers: [],
    manager: {},
  } as unknown as DataSource;
  try {
    return await Storage.open(dataSource, options, events);
  } catch (error) {
    throw error instanceof DatabaseError ? notConnected(error, shown) : error;
  }
}

function notConnected(error: DatabaseError, shown: string): QueueError {
  if (error.sqlState !== undefined && !NO_CONNECTION.test(error.sqlState)) return error;
  const reason = error.message.slice(error.message.indexOf(':') + 2);
  return new QueueError(error.code, `Cannot connect to ${shown}: ${reason}`, { cause: error });
}
