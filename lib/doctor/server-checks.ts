import { OWN_CONNECTIONS } from '../storage/connection/database.js';
import { LATE } from '../runtime/within.js';
import type { Check, Examination } from './check.js';
import { critical, fine, notice, warning, type Observation } from './finding.js';
import { counted, listed, span } from '../runtime/words.js';
import { troubleCheck } from './trouble-checks.js';
import { DAY_MS, MINUTE_MS } from '../job/values/duration.js';

/** When the PostgreSQL project ends the support of a version: https://www.postgresql.org/support/versioning/ */
const END_OF_LIFE: Readonly<Record<number, string>> = {
  13: '2025-11-13',
  14: '2026-11-12',
  15: '2027-11-11',
  16: '2028-11-09',
  17: '2029-11-08',
  18: '2030-11-14',
};
const SOON_MS = 180 * DAY_MS;

const SECOND_MS = 1_000;

async function lookAtVersion({ server }: Examination): Promise<Observation[]> {
  const { versionText, version, now } = server;
  const major = Math.floor(version / 10_000);
  const text = `The server is PostgreSQL ${versionText.split(' ')[0]!.slice(0, 20)}`;
  const end = END_OF_LIFE[major];
  if (!end) return [fine(`${text}.`)];
  const leftMs = Date.parse(end) - now.getTime();
  const advice = 'Plan the upgrade to a newer major version.';
  if (leftMs <= 0)
    return [warning(`${text}, which has had no security fixes since ${end}.`, advice)];
  return [
    leftMs < SOON_MS
      ? notice(`${text}, which gets no security fixes after ${end}.`, advice)
      : fine(`${text}.`),
  ];
}

async function lookAtEncoding({ server: { encoding } }: Examination): Promise<Observation[]> {
  if (encoding === 'UTF8') return [fine('The database holds any text (UTF8).')];
  return [
    warning(
      `The database has the encoding ${encoding.slice(0, 40)}: jobs whose payload, key or name has other signs are refused, outputs with such signs are left out, and errors lose them.`,
      "Move to a database that was created with encoding 'UTF8'.",
    ),
  ];
}

async function lookAtDurability({
  server: { fsync, fullPageWrites, readOnly },
}: Examination): Promise<Observation[]> {
  const advice =
    'Turn it on in postgresql.conf and reload; if it was off, back up and restore after a crash.';
  if (!readOnly && fsync && fullPageWrites)
    return [fine('The server keeps what it has acknowledged.')];
  return [
    ...(readOnly
      ? [
          critical(
            'The server takes no writes: it is a standby, or its sessions are read-only.',
            'Connect to the primary.',
          ),
        ]
      : []),
    ...(fsync
      ? []
      : [critical('fsync is off: a crash of the machine may lose or damage jobs.', advice)]),
    ...(fullPageWrites
      ? []
      : [critical('full_page_writes is off: a crash of the machine may damage tables.', advice)]),
  ];
}

async function lookAtClock({ clock: { aheadMs, giveMs } }: Examination): Promise<Observation[]> {
  const off = Math.max(0, Math.abs(aheadMs) - giveMs);
  const which = aheadMs > 0 ? 'ahead of' : 'behind';
  const found = `The clock of this process is ${span(Math.abs(aheadMs))} ${which} the server's.`;
  const advice =
    'Leases and attempts go by the server alone, but each `runAt` that this process computes is off by that. Synchronise the clocks (NTP).';
  if (off > MINUTE_MS) return [warning(found, advice)];
  return [
    off > SECOND_MS
      ? notice(found, advice)
      : fine('The clocks of this process and of the server agree.'),
  ];
}

async function lookAtConnections({
  server,
  diagnosis: { poolSize = 0 },
}: Examination): Promise<Observation[]> {
  const { connections, maxConnections } = server;
  const free = Math.max(0, maxConnections - connections);
  const wanted = OWN_CONNECTIONS + poolSize;
  const found = `${connections} of ${counted(maxConnections, 'connection is', 'connections are')} taken`;
  if (free >= wanted) return [fine(`${found}.`)];
  return [
    warning(
      `${found}, and one more process may open up to ${wanted}.`,
      'Raise max_connections, make pools smaller, or stop what holds connections: a new process of a deploy might not get in.',
    ),
  ];
}

async function lookAtIsolation({
  diagnosis,
  options,
  timeoutMs,
}: Examination): Promise<Observation[]> {
  if (diagnosis.poolSize === undefined) return [];
  const session = await diagnosis.session();
  if (session === LATE) return [exhausted(diagnosis.poolSize, timeoutMs)];
  const { isolation, readOnly, searched } = session;
  const schemas = searched.split(',');
  // Of temporary schemas no function and no operator is taken.
  const before = schemas
    .slice(0, schemas.indexOf('pg_catalog'))
    .filter((name) => !name.startsWith('pg_temp_'));
  if (before.length > 0) return [misled(listed(before))];
  if (readOnly)
    return [
      critical('Sessions of the DataSource are read-only.', 'Give the DataSource the primary.'),
    ];
  return [lookAtLevel(isolation, options)];
}

function lookAtLevel(isolation: string, options: Examination['options']): Observation {
  if (isolation === 'read committed')
    return fine('Transactions of the DataSource are READ COMMITTED.');
  const limited = [...options.queues]
    .filter(([, { maxPending }]) => maxPending !== undefined)
    .map(([name]) => name);
  const refused =
    limited.length > 0
      ? ` Enqueues into ${limited.join(', ')} are refused, since maxPending needs READ COMMITTED.`
      : '';
  return (refused ? warning : notice)(
    `Transactions of the DataSource are ${isolation.toUpperCase()} by default.${refused}`,
    'An enqueue with a unique key or group that another transaction took meanwhile raises 40001: repeat such transactions, or set READ COMMITTED. The queue itself always uses READ COMMITTED.',
  );
}

const misled = (schemas: string): Observation =>
  critical(
    `The search_path of the DataSource's sessions has ${schemas} before pg_catalog: in its transactions functions and operators from there replace PostgreSQL's own, in statements of the library too.`,
    'Leave pg_catalog out of search_path, or name it first.',
  );

const exhausted = (poolSize: number, timeoutMs: number): Observation =>
  warning(
    `The DataSource's pool of ${counted(poolSize, 'connection')} gave none within ${span(timeoutMs)}.`,
    'Something holds them all: look for long transactions and for handlers that open one inside another; raise poolSize.',
  );

/** The server itself, and how this process gets along with it. */
export const SERVER_CHECKS: readonly Check[] = [
  { code: 'SERVER', subject: 'the version of the server', look: lookAtVersion },
  { code: 'ENCODING', subject: 'the encoding of the database', look: lookAtEncoding },
  { code: 'DURABILITY', subject: 'the durability of the server', look: lookAtDurability },
  { code: 'CLOCK', subject: 'the clocks', look: lookAtClock },
  troubleCheck('CONNECTIONS', lookAtConnections),
  { code: 'ISOLATION', subject: "the DataSource's pool", look: lookAtIsolation },
];
