import type { LimitShares } from '../storage/limits/limit.repository.js';
import { wordsOf } from '../storage/limits/limit.repository.js';
import type { Check, Examination } from './check.js';
import { critical, fine, notice, warning, type Observation } from './finding.js';
import { troubleCheck } from './trouble-checks.js';
import { counted, listed } from '../runtime/words.js';

async function lookAtLimits({ diagnosis }: Examination): Promise<Observation[]> {
  const limits = await diagnosis.limits();
  if (limits.length === 0) return [];
  const found = LOOKS.flatMap((look) => look(limits));
  if (found.length > 0) return found;
  return [fine(`${counted(limits.length, 'limit')} across the fleet, shared by live processes.`)];
}

type Look = (limits: LimitShares[]) => Observation[];

const silent: Look = (limits) => {
  const held = limits.flatMap(({ name, shares }) =>
    shares
      .filter(({ live, n }) => !live && n > 0)
      .map(({ holder, n }) => `${n} of "${name}" (${holder})`),
  );
  if (held.length === 0) return [];
  return [
    warning(
      `Permits are held by silent processes: ${listed(held)}.`,
      'They are free when a reaper has put back the jobs of those processes: see that a worker is alive.',
    ),
  ];
};

const differing: Look = (limits) => {
  const names = limits
    .filter(({ rule, shares }) =>
      shares.some(({ declares }) => declares !== null && declares !== rule),
    ) // prettier-ignore
    .map(
      (limit) =>
        `"${limit.name}" (${wordsOf(limit)} rules${limit.setAt ? ', set by an operator' : ''})`,
    );
  if (names.length === 0) return [];
  return [
    notice(
      `Processes declare something else of: ${listed(names)}.`,
      'Give all processes the same; a declaration takes over when no process declares the old one. What an operator has set goes with `simple-queue limits reset`.',
    ),
  ];
};

/** Somebody has changed the tables by hand: no statement of ours does the one without the other. */
const drifted: Look = (limits) => {
  const off = limits.filter(({ allotted, shares }) => allotted !== shares.reduce((sum, { n }) => sum + n, 0)); // prettier-ignore
  if (off.length === 0) return [];
  return [
    critical(
      `The shares do not sum up to what is given out: ${listed(off.map(({ name }) => `"${name}"`))}.`,
      'Put it right: update simple_queue.fleet_limit l set allotted = (select coalesce(sum(n), 0) from simple_queue.allotment a where a.name = l.name).',
    ),
  ];
};

const LOOKS: readonly Look[] = [drifted, silent, differing];

/** Limits across the fleet. */
export const LIMIT_CHECKS: readonly Check[] = [
  { ...troubleCheck('LIMITS', lookAtLimits), needsTables: true },
];
