/** What was looked at. Codes are stable: match on them, never on texts. */
export type FindingCode =
  | 'DEAD_LETTERS'
  | 'EXPIRY_LATE'
  | 'LOST_JOBS'
  | 'STAGED_JOBS'
  | 'UNREADABLE_JOBS'
  | 'WORKER_SILENT'
  | 'AUTOVACUUM'
  | 'BLOCKED_GROUPS'
  | 'CLOCK'
  | 'CONNECTIONS'
  | 'DATABASE'
  | 'DURABILITY'
  | 'ENCODING'
  | 'HANDLERS'
  | 'HORIZON'
  | 'ISOLATION'
  | 'LANES'
  | 'LIMITS'
  | 'LISTEN'
  | 'PARTITIONS'
  | 'PAUSED_QUEUES'
  | 'PLACES'
  | 'POISONED_JOBS'
  | 'POOLER'
  | 'PREPARED_TRANSACTIONS'
  | 'REPLICATION_SLOTS'
  | 'RIGHTS'
  | 'SCHEDULES'
  | 'SCHEMA'
  | 'SCHEMA_DRIFT'
  | 'SERVER'
  | 'SUSPECTS'
  | 'TEMPLATES'
  | 'TRANSACTIONAL_HANDLERS'
  | 'VACUUM';

/** How bad it is: nothing to do; worth knowing; to be put right soon; jobs do not run, or may be lost. */
export type FindingLevel = 'ok' | 'notice' | 'warning' | 'critical';

/** One thing that a doctor has looked at. Never a payload, never the text of a statement. */
export interface Finding {
  code: FindingCode;
  level: FindingLevel;
  /** What was found, with names and figures. */
  found: string;
  /** What to do about it; empty where nothing is to be done. */
  advice: string;
}

const LEVELS: readonly FindingLevel[] = ['critical', 'warning', 'notice', 'ok'];

/** The worst first; what is equally bad stays in the order in which it was looked at. */
export const byLevel = (a: Finding, b: Finding): number =>
  LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level);

/** A finding whose code the check knows. */
export type Observation = Omit<Finding, 'code'>;

export const fine = (found: string): Observation => ({ level: 'ok', found, advice: '' });
export const notice = (found: string, advice: string): Observation => ({
  level: 'notice',
  found,
  advice,
});
export const warning = (found: string, advice: string): Observation => ({
  level: 'warning',
  found,
  advice,
});
export const critical = (found: string, advice: string): Observation => ({
  level: 'critical',
  found,
  advice,
});

/** A few of many, so that a finding stays readable. */
export function listed(names: readonly string[], most = 10): string {
  const more = names.length - most;
  return names.slice(0, most).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;

const UNITS: readonly [ms: number, name: string][] = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1_000, 'second'],
];

/** `3 hours`: one unit is enough to judge by. */
export function span(ms: number): string {
  const [size, name] = UNITS.find(([unit]) => ms >= 2 * unit) ?? [1, 'ms'];
  const count = Math.round(ms / size);
  return name === 'ms' ? `${count} ms` : counted(count, name);
}

/** Names of others (applications, transactions) may hold anything: one line of what can be seen. */
export function shown(text: string): string {
  return text.slice(0, 80).replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ');
}
