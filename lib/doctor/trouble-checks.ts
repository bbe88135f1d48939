import type { Trouble, TroubleCode } from '../job/trouble.js';
import { TROUBLES } from '../troubles/kinds.js';
import type { Check } from './check.js';
import { fine, type Observation } from './finding.js';

/** What no other check looks at. */
const CODES = [
  'LOST_JOBS',
  'WORKER_SILENT',
  'UNREADABLE_JOBS',
  'EXPIRY_LATE',
  'STAGED_JOBS',
  'DEAD_LETTERS',
] as const satisfies readonly TroubleCode[];

const observed = ({ level, text, hint, fix }: Trouble): Observation => ({
  level,
  found: text,
  advice: `${hint} \`${fix}\``.trim(),
});

/** What waits for a person, as `status` names it. */
export const TROUBLE_CHECKS: readonly Check[] = CODES.map((code) => ({
  code,
  subject: TROUBLES[code].subject,
  needsTables: true,
  look: async ({ troubles }) => {
    const own = (await troubles()).filter((trouble) => trouble.code === code);
    return own.length > 0 ? own.map(observed) : [fine(TROUBLES[code].well)];
  },
}));
