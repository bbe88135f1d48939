import { randomUUID } from 'node:crypto';
import { constant } from '../../lib/job/backoff.js';
import { QueuePolicies } from '../../lib/options/queue-policy.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { FleetPermits } from '../../lib/limits/fleet-permits.js';
import { Permits } from '../../lib/runtime/permits.js';
import type { ClaimedRow } from '../../lib/storage/claim/row-mapper.js';
import type { LimitRow } from '../../lib/storage/limits/limit.repository.js';
import type { Claim } from '../../lib/run/job-run.js';
import type { Handler } from '../../lib/handlers/handler-registry.js';
import { JobRun } from '../../lib/run/job-run.js';
import { WorkerLane } from '../../lib/claim/worker-lane.js';

const SETTINGS = new QueuePolicies(
  resolveOptions({ backoff: constant({ delayMs: 0 }) }).options,
).of('work');

/** A lane of queue `work` with a handler of this function, without a database. */
export function aLane({
  id = 1,
  limit = 10,
  permits = [new Permits(limit)],
  ...handler
}: Partial<Handler> & LaneOptions = {}) {
  const full: Handler = {
    queue: 'work',
    name: undefined,
    label: 'Work',
    options: {},
    bound: {},
    run: () => undefined,
    ...handler,
  };
  return new WorkerLane(
    { id, queueId: 1, queue: 'work', name: '', labels: [] },
    full,
    SETTINGS,
    permits,
  );
}

/** A limit across the fleet, of which this process has nothing yet. */
export function aFleetLimit(rule: Partial<LimitRow>, onChange: () => void = () => undefined) {
  const none = { concurrency: null, rate: null, perMs: null, burst: null, setAt: null };
  const row = { name: 'api', ofQueue: false, ...none, strict: false, rule: '', version: 1, heldMs: 0 }; // prettier-ignore
  return new FleetPermits({ ...row, ...rule }, onChange);
}

interface LaneOptions {
  id?: number;
  limit?: number;
  permits?: Permits[];
}

export function aRow(row: Partial<ClaimedRow> = {}): ClaimedRow {
  return {
    id: randomUUID(),
    lane: 1,
    epoch: 0,
    priority: 0,
    runAt: '2026-11-21 03:16:10.123456+00',
    spent: 0,
    stalls: 0,
    reschedules: 0,
    suspicion: 0,
    createdAt: '2026-11-21 03:16:10.123456+00',
    cancelled: false,
    uniqueKey: null,
    fingerprint: null,
    options: null,
    payload: 'null',
    payloadBytes: null,
    lastError: null,
    weight: 0,
    ...row,
  };
}

/** One claimed job on its way to, or in, its handler. */
export function aRun(
  row: Partial<ClaimedRow> = {},
  { lane = aLane(), claim = aClaim() } = {},
): JobRun {
  return new JobRun(aRow(row), lane, claim);
}

export const aClaim = (open = 1): Claim => ({ id: randomUUID(), open });
