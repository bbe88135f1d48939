import type { TroubleCode } from '../job/trouble.js';

/** What was looked at. Codes are stable: match on them, never on texts. */
export type FindingCode =
  | TroubleCode
  | 'AUTOVACUUM'
  | 'CLOCK'
  | 'DATABASE'
  | 'DURABILITY'
  | 'ENCODING'
  | 'HANDLERS'
  | 'ISOLATION'
  | 'PLACES'
  | 'POOLER'
  | 'PREPARED_TRANSACTIONS'
  | 'REPLICATION_SLOTS'
  | 'RIGHTS'
  | 'SCHEMA'
  | 'SCHEMA_DRIFT'
  | 'SERVER'
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
