import { JobBatch, type Call } from '../run/job-batch.js';
import type { JobRun } from '../run/job-run.js';
import type { Permits } from '../runtime/permits.js';
import type { FullSlots } from '../storage/leases/lease.repository.js';
import type { WorkerLane } from './worker-lane.js';

/** Slots of which one was taken later are in use, and no news. */
const QUIET_MS = 30_000;
const MOST = 50;
const MOST_LANES = 1_000;
const MOST_IDS = 5;

type Running = ReadonlyMap<Call, WorkerLane>;

/** Permits that are all taken, in none of which a run has begun for a while: what waits for them waits for one of these runs to end. */
export function fullSlots(running: Running, lanes: readonly WorkerLane[]): FullSlots[] {
  const now = performance.now();
  const full = new Set(lanes.flatMap(({ permits }) => permits.filter(isTaken)));
  for (const [call, lane] of running) {
    if (full.size === 0) break;
    if (ageOf(call, now) < QUIET_MS) for (const permit of lane.permits) full.delete(permit);
  }
  return [...full].slice(0, MOST).map((permit) => said(permit, running, lanes));
}

const isTaken = ({ used, limit }: Permits): boolean => used > 0 && used >= limit;
const runsOf = (call: Call): readonly JobRun[] => (call instanceof JobBatch ? call.runs : [call]);
const ageOf = (call: Call, now: number): number => now - (runsOf(call)[0]!.startedAt || now);
const endsItself = ({ settled, options, policy }: JobRun): boolean =>
  !settled && (options.timeoutMs ?? policy.timeoutMs) !== undefined;

function said(permit: Permits, running: Running, lanes: readonly WorkerLane[]): FullSlots {
  const obeying = lanes.filter(({ permits }) => permits.includes(permit)).map(({ id }) => id);
  const now = performance.now();
  const holders = [...running]
    .filter(([, { permits }]) => permits.includes(permit))
    .map(([call, lane]) => ({ call, lane, age: Math.round(ageOf(call, now)) }))
    .sort((a, b) => b.age - a.age);
  const runs = holders.flatMap(({ call }) => runsOf(call));
  return {
    ...(obeying.length < lanes.length ? { lanes: obeying.slice(0, MOST_LANES) } : {}),
    slots: permit.used,
    oldestMs: holders[0]?.age ?? 0,
    youngestMs: holders.at(-1)?.age ?? 0,
    over: runs.every(({ settled }) => settled),
    timed: runs.some(endsItself),
    held: [...new Set(holders.map(({ lane }) => lane.id))].slice(0, MOST),
    ids: runs.filter(({ settled }) => !settled).map(({ id }) => id).slice(0, MOST_IDS), // prettier-ignore
  };
}
