import { inQuotes } from '../job/names.js';
import type { LimitShares } from '../storage/limits/limit.repository.js';
import { isUndeclared, wordsOf } from '../storage/limits/limit-words.js';
import type { Check, Examination } from './check.js';
import { critical, fine, notice, warning, type Observation } from './finding.js';
import { troubleCheck } from './trouble-checks.js';
import { command, counted, listed, span, type Called } from '../runtime/words.js';
import { queueOfKeys } from '../job/limit.js';
import { DAY_MS } from '../job/values/duration.js';
import type { Diagnosis, WaitingLane } from '../storage/diagnosis/diagnosis.js';

/** Of a lane: counts end here. */
const MOST_WAITING = 10_000;

async function lookAtLimits({ diagnosis, options }: Examination): Promise<Observation[]> {
  const limits = await diagnosis.limits();
  if (limits.length === 0) return [];
  const backlog = await tooSlow(limits, diagnosis, options);
  const found = [...LOOKS.flatMap((look) => look(limits, options)), ...backlog];
  if (found.length > 0) return found;
  return [fine(`${counted(limits.length, 'limit')} across the fleet, shared by live processes.`)];
}

/** What waits needs longer than a day at the rate that it obeys, or with so many runs at once as long as they take, if nothing more comes. */
async function tooSlow(
  limits: LimitShares[],
  diagnosis: Diagnosis,
  called: Called,
): Promise<Observation[]> {
  if (limits.every(({ rate, concurrency }) => rate === null && concurrency === null)) return [];
  const lanes = await diagnosis.waitingLanes(MOST_WAITING);
  const ran = await diagnosis.runTimes(lanes.map(({ lane }) => lane));
  const times = new Map(ran.map(({ lane, ms }) => [lane, ms]));
  const keys = await diagnosis.slowKeys(times);
  const sum = sumOver(lanes);
  const slow = (limit: LimitShares) => keys.find(({ name }) => name === limit.name);
  const rated = limits.flatMap((limit) => {
    const key = limit.rate === null ? undefined : slow(limit);
    const jobs = key?.keys ? key.jobs : sum(limit, (lane) => lane.jobs);
    const ms = limit.rate === null ? 0 : (jobs * limit.perMs!) / limit.rate;
    return late(limit, counted(jobs, 'job'), { ms, keys: key?.keys });
  });
  const full = limits.flatMap((limit) => {
    const key = limit.concurrency === null ? undefined : slow(limit);
    const all = key?.fullKeys ? key.ms! : sum(limit, ({ lane, jobs }) => jobs * (times.get(lane) ?? 0)); // prettier-ignore
    const ms = limit.concurrency === null ? 0 : all / limit.concurrency;
    return late(limit, `runs of ${span(all)}`, { ms, keys: key?.fullKeys });
  });
  return [
    ...behind('at the rate that it obeys', rated, { called, more: 'Raise the rate' }),
    ...behind('by so many at once, as long as runs took in the last hour', full, { called, more: 'Raise the concurrency' }), // prettier-ignore
  ];
}

const sumOver =
  (lanes: WaitingLane[]) =>
  (limit: LimitShares, of: (waiting: WaitingLane) => number): number =>
    queueOfKeys(limit.name)
      ? 0
      : lanes.filter((lane) => obeys(lane, limit)).reduce((all, lane) => all + of(lane), 0);

function late(
  limit: LimitShares,
  what: string,
  { ms, keys }: { ms: number; keys: number | undefined },
): string[] {
  if (ms <= DAY_MS) return [];
  const where = keys ? ` in the fullest of ${counted(keys, 'key')}` : '';
  return [`"${limit.name}" (${wordsOf(limit)}): ${what}${where}, ${span(ms)}`];
}

function behind(
  how: string,
  late: string[],
  { called, more }: { called: Called; more: string },
): Observation[] {
  if (late.length === 0) return [];
  return [
    warning(
      `What waits cannot be done within a day ${how}: ${listed(late)}.`,
      `${more} (\`${command(['limits', 'set'], called)}\`), enqueue less, or let jobs end that nobody needs any more.`,
    ),
  ];
}

/** A named limit is obeyed in the lanes of the processes that share in it. */
function obeys({ lane, queue }: WaitingLane, { name, ofQueue, shares }: LimitShares): boolean {
  return ofQueue ? queue === name : shares.some(({ lanes }) => lanes.includes(lane));
}

type Look = (limits: LimitShares[], called: Called) => Observation[];

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

const differing: Look = (limits, called) => {
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
      `Give all processes the same; a declaration takes over when no process declares the old one. What an operator has set goes with \`${command(['limits', 'reset'], called)}\`.`,
    ),
  ];
};

/** Somebody has changed the tables by hand: no statement of ours does the one without the other. */
const drifted: Look = (limits, { schema }) => {
  const off = limits.filter(({ allotted, shares }) => allotted !== shares.reduce((sum, { n }) => sum + n, 0)); // prettier-ignore
  if (off.length === 0) return [];
  return [
    critical(
      `The shares do not sum up to what is given out: ${listed(off.map(({ name }) => `"${name}"`))}.`,
      `Put it right: update ${inQuotes(schema)}.fleet_limit l set allotted = (select coalesce(sum(n), 0) from ${inQuotes(schema)}.allotment a where a.name = l.name).`,
    ),
  ];
};

/** A rule that says nothing came of a rest; what was set of a queue needs no declaration, and of a name or a key nobody obeys it without one. */
const undeclared: Look = (limits, called) => {
  const names = limits
    .filter(isUndeclared)
    .filter(({ name, ofQueue, setAt }) => !setAt || !ofQueue || queueOfKeys(name))
    .filter(({ concurrency, rate }) => concurrency !== null || rate !== null);
  if (names.length === 0) return [];
  return [
    notice(
      `Limits are declared by no worker that is alive: ${listed(names.map(({ name }) => `"${name}"`))}.`,
      `They hold on. If no process without a worker declares them either: \`${command(['limits', 'remove'], called)}\`.`,
    ),
  ];
};

const LOOKS: readonly Look[] = [drifted, silent, differing, undeclared];

/** Limits across the fleet. */
export const LIMIT_CHECKS: readonly Check[] = [
  { ...troubleCheck('LIMITS', lookAtLimits), needsTables: true },
];
