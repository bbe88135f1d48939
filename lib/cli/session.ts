import { QueueAdmin } from '../admin/queue-admin.js';
import { checkSchemaName } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import { QueueEventBus } from '../observability/events.js';
import { QueueService } from '../queue.service.js';
import { resolveOptions } from '../options/resolve-options.js';
import type { ResolvedOptions, SimpleQueueOptions } from '../options/simple-queue.options.js';
import { QueueSchedules } from '../schedules/queue-schedules.js';
import { QueueWorkflows } from '../workflows/queue-workflows.js';
import { Migrator } from '../storage/schema/migrator.js';
import { openStandAlone } from '../storage/connection/stand-alone.js';
import type { Storage } from '../storage/storage.js';
import { actorOf } from './actor.js';
import { calledWith } from './called-with.js';
import { databaseOf, type DatabaseChoice } from './database-choice.js';
import type { SharedFlags } from './shared-flags.js';
import type { Terminal } from './show/terminal.js';

/** An open connection to a queue, and everything that a command asks of it. */
export interface Session {
  storage: Storage;
  options: ResolvedOptions;
  admin: QueueAdmin;
  /** With settings of queues that only the application knows, where an enqueue has to say them. */
  queues(settings?: SimpleQueueOptions['queues']): QueueService;
  /** With such settings, where a change has to say them. */
  adminOf(settings: SimpleQueueOptions['queues']): QueueAdmin;
  /** Of all owners. */
  schedules: QueueSchedules;
  workflows: QueueWorkflows;
  migrator: Migrator;
  /** Where it is connected to, without a password. */
  database: DatabaseChoice;
  close(): Promise<void>;
}

export const APPLICATION_NAME = 'simple-queue cli';
const MAX_CONNECT_MS = 10_000;

/** Also right behind any pooler; nobody notices here what it costs. */
const ALONE = {
  migrate: 'off',
  worker: false,
  poolMode: 'transaction',
  preparedStatements: false,
  wakeUp: 'off',
} as const;

/** It sends wake-ups, and never listens for any. */
const resolved = (given: SimpleQueueOptions): ResolvedOptions => ({
  ...resolveOptions(given).options,
  wakeUp: 'listen',
});

/** @throws QueueError `INVALID_OPTION`, `INVALID_NAME`, `DATABASE_UNAVAILABLE`, `DATABASE_ERROR`, `POSTGRES_TOO_OLD`. */
export async function openSession({
  flags,
  around,
}: {
  flags: SharedFlags;
  around: Terminal;
}): Promise<Session> {
  checkSchemaName(flags.schema);
  const database = databaseOf(flags, around.env);
  const queryTimeoutMs = Math.round(flags.timeout * 1_000);
  const given: SimpleQueueOptions = { ...ALONE, schema: flags.schema, queryTimeoutMs };
  const options = { ...resolved(given), calledWith: calledWith(flags, around.env) };
  const events = new QueueEventBus();
  const connectTimeoutMs = Math.min(MAX_CONNECT_MS, queryTimeoutMs);
  const address = { ...database, applicationName: APPLICATION_NAME, connectTimeoutMs };
  const storage = await openStandAlone(address, options, events);
  return {
    storage,
    options,
    admin: new QueueAdmin(storage, options).as(actorOf(flags)),
    adminOf: (queues) => new QueueAdmin(storage, resolved({ ...given, queues })).as(actorOf(flags)),
    queues: (queues) =>
      new QueueService(storage, queues ? resolved({ ...given, queues }) : options, events),
    schedules: new QueueSchedules(storage, options, { events }),
    workflows: new QueueWorkflows(storage, options, events),
    migrator: new Migrator(storage.database, { ...options, migrate: 'run' }),
    database,
    close: () => storage.onApplicationShutdown(),
  };
}

/** @throws QueueError `SCHEMA_BEHIND`, `SCHEMA_AHEAD`: nothing is asked of tables that this release does not know. */
export async function refuseOtherVersions({ migrator, options, database }: Session): Promise<void> {
  const { version, compatibleFrom } = await migrator.version();
  const where = `schema "${options.schema}" of ${database.shown}`;
  if (version === 0)
    throw new QueueError('SCHEMA_BEHIND', `There are no queue tables in ${where}.`);
  if (version < migrator.target)
    throw new QueueError(
      'SCHEMA_BEHIND',
      `The tables in ${where} are at version ${version}; this command needs ${migrator.target}.`,
    );
  if (compatibleFrom > migrator.target)
    throw new QueueError(
      'SCHEMA_AHEAD',
      `The tables in ${where} are at version ${version}; this command knows ${migrator.target}.`,
    );
}
