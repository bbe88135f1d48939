import type { Trouble, TroubleCode } from '../job/trouble.js';
import { TROUBLES } from '../troubles/kinds.js';
import type { Check, Examination } from './check.js';
import { fine, type Observation } from './finding.js';

/** What no other check looks at. */
const CODES = [
  'LOST_JOBS',
  'NO_WORKER',
  'NO_HANDLER',
  'HUNG_RUNS',
  'WORKER_FAILING',
  'WORKER_SILENT',
  'PAUSED_QUEUES',
  'BLOCKED_GROUPS',
  'STUCK_WORKFLOWS',
  'WORKFLOWS',
  'POISONED_JOBS',
  'UNREADABLE_JOBS',
  'EXPIRY_LATE',
  'STAGED_JOBS',
  'SUSPECTS',
  'DEAD_LETTERS',
  'SPOOL',
  'FAILED_WORKFLOWS',
] as const satisfies readonly TroubleCode[];

const observed = ({ level, text, hint, fix }: Trouble): Observation => ({
  level,
  found: text,
  advice: [hint, fix && `\`${fix}\``].filter(Boolean).join(' '),
});

/** A trouble as `status` names it, and what the doctor sees `beside` it. */
export function troubleCheck(
  code: Trouble['code'] & Check['code'],
  beside: Check['look'] = () => Promise.resolve([]),
): Check {
  const { subject, well } = TROUBLES[code];
  const look: Check['look'] = async (examination) => {
    const known = (await troublesOf(examination)).filter((trouble) => trouble.code === code);
    const seen = await beside(examination);
    if (known.length === 0) return seen.length > 0 ? seen : [fine(well)];
    return [...known.map(observed), ...seen.filter(({ level }) => level !== 'ok')];
  };
  return { code, subject, look };
}

const troublesOf = async ({ schema, troubles }: Examination): Promise<Trouble[]> =>
  typeof schema === 'string' ? [] : troubles();

/** What waits for a person, as `status` names it. */
export const TROUBLE_CHECKS: readonly Check[] = CODES.map((code) => ({
  ...troubleCheck(code),
  needsTables: true,
}));
