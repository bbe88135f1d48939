import { inQuotes } from '../job/names.js';
import { holderText } from '../troubles/holder-text.js';
import type { ReplicationSlot, TableVacuum } from '../storage/diagnosis/diagnosis.js';
import type { Check, Examination } from './check.js';
import { critical, fine, notice, warning, type Observation } from './finding.js';
import { DAY_MS } from '../job/values/duration.js';
import { counted, listed, shown, span, command } from '../runtime/words.js';

/** Ten times what autovacuum waits for on the hot tables; each run leaves one in most of them. */
const MANY_DEAD = 100_000;
/** Autovacuum looks every minute, and a large table takes its time. */
const LONG_WITHOUT_VACUUM_MS = 15 * 60_000;
/** Where nobody says for how long a transaction is open, the number of transactions since then has to do. */
const MANY_TRANSACTIONS = 10_000;
const MEGABYTE = 1024 * 1024;

async function lookAtAutovacuum({ server, diagnosis }: Examination): Promise<Observation[]> {
  const consequence = 'Dead rows pile up, and claims get slower and slower.';
  if (!server.autovacuum)
    return [
      critical(
        `autovacuum or track_counts is off. ${consequence}`,
        'Turn both on in postgresql.conf and reload.',
      ),
    ];
  const off = (await diagnosis.vacuums())
    .filter(({ disabled }) => disabled)
    .map(({ name }) => name);
  if (off.length === 0) return [];
  return [
    critical(
      `autovacuum is off for ${listed(off)}. ${consequence}`,
      'alter table ... reset (autovacuum_enabled), in the schema of the queue.',
    ),
  ];
}

async function lookAtVacuum(examination: Examination): Promise<Observation[]> {
  const tables = await examination.diagnosis.vacuums();
  const observed = tables.flatMap(unfrozen);
  for (const table of tables.filter(isBehind)) observed.push(await behind(table, examination));
  if (observed.length > 0) return observed;
  const most = tables.toSorted((a, b) => b.dead - a.dead)[0];
  return [
    fine(
      most
        ? `Vacuum keeps up; the most dead rows are in ${most.name}: ${counted(most.dead, 'row')}.`
        : 'No tables.',
    ),
  ];
}

const isBehind = ({ dead, live, vacuumedMs }: TableVacuum): boolean =>
  dead >= Math.max(MANY_DEAD, live / 5) && (vacuumedMs ?? Infinity) >= LONG_WITHOUT_VACUUM_MS;

/** After one big drain autovacuum has simply not come yet: only rows that died long ago say that it does not come. */
async function behind(
  { name, dead, vacuumedMs, disabled }: TableVacuum,
  { diagnosis, options, server, schema }: Examination,
): Promise<Observation> {
  const last = vacuumedMs === null ? 'never vacuumed' : `vacuumed ${span(vacuumedMs)} ago`;
  const found = `Table ${name} has ${counted(dead, 'dead row')} and was ${last}.`;
  const advice = `See who holds vacuum back (HORIZON), and whether autovacuum has enough workers (autovacuum_max_workers); by hand: \`vacuum ${inQuotes(options.schema)}.${name}\`.`;
  const sinceMs = Math.min(vacuumedMs ?? DAY_MS, DAY_MS);
  const runs = typeof schema === 'string' ? 0 : await diagnosis.started(sinceMs, LONG_WITHOUT_VACUUM_MS); // prettier-ignore
  if (disabled || !server.autovacuum || runs >= MANY_DEAD) return warning(found, advice);
  return notice(found, `Autovacuum comes within minutes. Where it does not: ${advice}`);
}

function unfrozen({ name, age, maxAge }: TableVacuum): Observation[] {
  if (age < 1.5 * maxAge) return [];
  return [
    warning(
      `Table ${name} was not frozen for ${counted(age, 'transaction')}; the server forces that at ${maxAge.toLocaleString('en-US')}.`,
      'Vacuum does not get through: see HORIZON and the log of the server, then `vacuum (freeze)` the table.',
    ),
  ];
}

const HORIZON_COST =
  'Until it ends, vacuum removes nothing that died since, in any table of this database.';

async function lookAtHorizon({
  diagnosis,
  options,
  longTransactionMs,
}: Examination): Promise<Observation[]> {
  const holders = await diagnosis.snapshotHolders();
  const long = holders.filter(({ openMs, transactions }) =>
    openMs === null ? transactions > MANY_TRANSACTIONS : openMs > longTransactionMs,
  );
  return long
    .slice(0, 5)
    .map((holder) =>
      warning(
        `${holderText(holder)} ${HORIZON_COST}`,
        `Find out what it does, and end it: \`${command(['sessions', '--end', String(holder.pid), '--yes'], options)}\`. Set idle_in_transaction_session_timeout against forgotten ones.`,
      ),
    );
}

async function lookAtPrepared({
  diagnosis,
  longTransactionMs,
}: Examination): Promise<Observation[]> {
  return (await diagnosis.preparedTransactions()).map(({ gid, role, openMs }) =>
    (openMs > longTransactionMs ? warning : notice)(
      `Transaction "${shown(gid)}" of role "${shown(role)}" is prepared for ${span(openMs)}, and outlives every connection. ${HORIZON_COST}`,
      `Let its transaction manager end it; if that has forgotten it: rollback prepared or commit prepared, by its name.`,
    ),
  );
}

async function lookAtSlots({ diagnosis }: Examination): Promise<Observation[]> {
  return (await diagnosis.replicationSlots()).flatMap((slot) => [
    ...unused(slot),
    ...holding(slot),
  ]);
}

function unused({ name, active, heldBytes }: ReplicationSlot): Observation[] {
  if (active) return [];
  const held =
    heldBytes === null
      ? ''
      : ` It keeps ${counted(Math.round(heldBytes / MEGABYTE), 'MB', 'MB')} of WAL.`;
  return [
    warning(
      `Replication slot "${name}" is used by nobody.${held} The disk fills, and a slot with a horizon holds vacuum back.`,
      'Let its replica come back, or drop it: pg_drop_replication_slot.',
    ),
  ];
}

function holding({ name, transactions }: ReplicationSlot): Observation[] {
  if ((transactions ?? 0) < 100 * MANY_TRANSACTIONS) return [];
  return [
    warning(
      `Replication slot "${name}" holds vacuum back by ${counted(transactions!, 'transaction')}.`,
      'Its consumer is far behind, or a query runs long on the replica (hot_standby_feedback).',
    ),
  ];
}

/** What makes queues on PostgreSQL slow: dead rows that nobody may remove. */
export const VACUUM_CHECKS: readonly Check[] = [
  { code: 'AUTOVACUUM', subject: 'autovacuum', look: lookAtAutovacuum },
  { code: 'VACUUM', subject: 'the state of vacuum', look: lookAtVacuum },
  { code: 'HORIZON', subject: 'long transactions', look: lookAtHorizon },
  { code: 'PREPARED_TRANSACTIONS', subject: 'prepared transactions', look: lookAtPrepared },
  { code: 'REPLICATION_SLOTS', subject: 'replication slots', look: lookAtSlots },
];
