import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import type { QueryRunner } from 'typeorm';
import { QueueService } from '../../../lib/queue.service.js';
import { QueueAdmin } from '../../../lib/admin/queue-admin.js';
import { constant } from '../../../lib/job/backoff.js';
import { isTerminal, KEPT_IN } from '../../../lib/job/job-state.js';
import { perKeyName } from '../../../lib/job/limit.js';
import { PostgresJobQueue } from '../../../lib/pull/postgres-job-queue.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import type { OnDeadJob } from '../../../lib/job/job-state.js';
import type { Lane } from '../../../lib/job/lane.js';
import { Cursor } from '../../../lib/claim/cursor.js';
import type { ClaimedRow } from '../../../lib/storage/claim/row-mapper.js';
import type { TestStorage } from '../storage.js';
import { LABEL, successOf } from './command.js';
import { PLACES } from '../places.js';
import {
  MAX_STALLS,
  type Model,
  type ModelJob,
  type ModelLane,
  type ModelWorker,
} from './model.js';
import { checkPlaces } from '../check-places.js';

export const QUEUE = 'machine';
export const FAIR_QUEUE = 'fairly';
export const LANES: readonly ModelLane[] = ['plain', 'labelled', 'fair'];
const DAY_MS = 86_400_000;
const FIRST = '00000000-0000-0000-0000-000000000000';
export const EVERYWHERE = { priority: -32_768, runAt: '-infinity', id: FIRST, upto: 32_767 };
export const KEEP = { archive: { '': DAY_MS }, deadLetter: { '': DAY_MS } };
const ENDED = ['archive', 'dead_letter'];
const LIVE = ['job', ...PLACES.filter((place) => !ENDED.includes(place))];
const OTHERS = ['lease', 'lapsed', 'throttle', 'schedule', 'tick', 'allotment', 'fleet_limit', 'key_change']; // prettier-ignore
const TABLES = [...LIVE, ...ENDED, ...OTHERS];
const PER_KEY = { by: 'tenant', concurrency: 2 };
const { options: OPTIONS } = resolveOptions({
  queues: { [QUEUE]: { perKey: PER_KEY }, [FAIR_QUEUE]: { fair: true, perKey: PER_KEY } },
  maxStalls: MAX_STALLS,
  backoff: constant({ delayMs: 0 }),
});

/** The repositories on a real database, and the workers that use them. */
export class Real {
  readonly queues: QueueService;
  workers: ModelWorker[] = [];
  readonly admin: QueueAdmin;
  lanes!: Record<ModelLane, Lane>;
  /** For workers outside; each claim looks around first. */
  remote!: PostgresJobQueue;
  /** Of the application, in the order of the model's. */
  transactions: QueryRunner[] = [];
  /** Of a worker, for the plain lane, and its clock. */
  cursor = new Cursor();
  now = 0;
  /** By job, what was read ahead behind it. */
  readonly ahead = new Map<string, ClaimedRow | undefined>();

  constructor(readonly test: TestStorage) {
    this.queues = new QueueService(test.storage, OPTIONS, test.events);
    this.admin = new QueueAdmin(test.storage, test.options);
  }

  get storage() {
    return this.test.storage;
  }

  get laneIds(): number[] {
    return LANES.map((lane) => this.lanes[lane].id);
  }

  /** An empty database and three workers. */
  async reset(model: Model): Promise<void> {
    for (const runner of this.transactions.splice(0)) await this.end(runner, false);
    await this.query(TABLES.map((table) => `delete from simple_queue.${table}`).join('; '));
    await this.query('update simple_queue.queue set paused_at = null');
    await this.findLanes();
    await this.limitKeys(PER_KEY.concurrency);
    this.ahead.clear();
    const { storage, queues, test } = this;
    this.remote = new PostgresJobQueue({
      storage,
      queues,
      events: test.events,
      options: { ...OPTIONS, pollIntervalMs: 0 },
    });
    this.workers = [];
    [this.cursor, this.now] = [new Cursor(), 0];
    for (let n = 0; n < 3; n++) this.workers.push({ lease: await this.takeLease(model) });
  }

  /** As by TRUNCATE of an administrator: but for what says that the tables are ours. */
  async emptyTables(): Promise<void> {
    const [{ names }] = (await this.query<{ names: string }>(
      `select string_agg(format('simple_queue.%I', tablename), ', ') as names from pg_tables
       where schemaname = 'simple_queue' and tablename not in ('version', 'migration')`,
    )) as [{ names: string }];
    await this.query(`truncate ${names}`);
  }

  /** Under the numbers of the tables, whatever the process remembers. */
  async findLanes(): Promise<void> {
    const { lanes } = this.storage;
    const all = {
      plain: await lanes.of(QUEUE, ''),
      labelled: await lanes.of(QUEUE, '', [LABEL]),
      fair: await lanes.of(FAIR_QUEUE, ''),
    };
    for (const [name, lane] of Object.entries(all) as [ModelLane, Lane][]) {
      const sql = 'select id from simple_queue.lane where queue = $1 and labels = $2';
      const [{ id }] = (await this.query<{ id: number }>(sql, [
        lane.queueId,
        lane.labels ?? [],
      ])) as [{ id: number }];
      all[name] = { ...lane, id };
    }
    this.lanes = all;
  }

  async takeLease(model: Model): Promise<string> {
    const lease = randomUUID();
    await this.storage.leases.take(lease, 'worker', DAY_MS);
    model.liveLeases.add(lease);
    return lease;
  }

  async reap(maxStalls: number, onDeadJob: OnDeadJob): Promise<void> {
    const rules = { maxStalls, ...KEEP, onDeadJob: { '': onDeadJob } };
    let after: string | null = FIRST;
    while (after) after = (await this.storage.leases.reap(rules, after)).last;
  }

  async begin(): Promise<QueryRunner> {
    const runner = this.test.dataSource.createQueryRunner();
    this.transactions.push(runner);
    await runner.startTransaction();
    return runner;
  }

  async end(runner: QueryRunner, commits: boolean): Promise<void> {
    if (commits) await runner.commitTransaction();
    else await runner.rollbackTransaction();
    await runner.release();
  }

  async count(table: string): Promise<number> {
    return (
      await this.query<{ n: number }>(`select count(*)::int as n from simple_queue.${table}`)
    )[0]!.n;
  }

  /** Rows of whatever is live. */
  async left(): Promise<Record<string, number>> {
    const counts = await Promise.all(
      LIVE.map(async (table) => [table, await this.count(table)] as const),
    );
    return Object.fromEntries(counts.filter(([, rows]) => rows > 0));
  }

  /** Those of these jobs that are in the archive. */
  async endedOf(ids: string[]): Promise<string[]> {
    if (ids.length === 0) return [];
    return (
      await this.query<{ id: string }>('select id from simple_queue.archive where id = any($1)', [
        ids,
      ])
    ).map(({ id }) => id);
  }

  /** Of a life that has just begun: nobody but the database knows where it starts. */
  async epochOf(id: string): Promise<number> {
    return (
      await this.query<{ epoch: number }>('select epoch from simple_queue.job where id = $1', [id])
    )[0]!.epoch;
  }

  /** One worker runs whatever is ready, and succeeds. */
  async finishReady(model: Model): Promise<void> {
    const lease = randomUUID();
    const claim = {
      claimId: randomUUID(),
      lease,
      lanes: this.laneIds.map((lane) => ({ lane, wanted: 500, ranges: [EVERYWHERE] })),
      limit: 500,
    };
    const rows = (await this.storage.claims.settleAndClaim('worker', [], [], claim)).jobs;
    const claims = [claim.claimId, randomUUID()];
    const fair = { claimId: claims[1]!, lease, lane: this.lanes.fair.id, after: null, wanted: 500 };
    rows.push(...(await this.storage.groups.claimFair(fair)).jobs);
    for (const alone of [false, true]) {
      claims.push(randomUUID());
      rows.push(
        ...(await this.storage.claims.claimSuspects(claims.at(-1)!, lease, this.laneIds, {
          alone,
          limit: 500,
        })),
      );
    }
    const [cancelled, going] = [
      rows.filter((row) => row.cancelled),
      rows.filter((row) => !row.cancelled),
    ];
    const verdict = {
      state: 'cancelled',
      spent: 0,
      runMs: 1,
      archiveKeepMs: DAY_MS,
      deadLetterKeepMs: DAY_MS,
    } as const;
    await this.storage.settlements.bury('worker', cancelled.map(({ id, epoch }) => ({ id, epoch, verdict }))); // prettier-ignore
    const isOrdered = ({ id }: { id: string }): boolean => {
      const { group, tenant } = model.jobs.get(id)!;
      return group !== undefined || tenant !== undefined;
    };
    await this.storage.groups.settle('worker', going.filter(isOrdered).map(successOf));
    const rest = going.filter((row) => !isOrdered(row)).map(successOf);
    await this.storage.claims.settleAndClaim('worker', rest, claims, {
      claimId: randomUUID(),
      lease,
      lanes: [],
      limit: 0,
    });
  }

  /** The time of everything that waits for one comes. */
  async letTimePass(ids: string[]): Promise<void> {
    await this.query(
      `with past as (update simple_queue.job j set run_at = now() - interval '1 second' from simple_queue.scheduled s
         where j.id = any($1) and s.id = j.id returning j.id, j.run_at)
       update simple_queue.scheduled s set run_at = past.run_at from past where s.id = past.id`,
      [ids],
    );
    await this.query(
      `update simple_queue.job set commit_by = now() - interval '1 second' where id = any($1) and commit_by is not null`,
      [ids],
    );
  }

  async query<Row extends object>(sql: string, params?: unknown[]): Promise<Row[]> {
    return this.test.database.query<Row>(sql, params);
  }

  /** As an operator sets it, whoever has declared it. */
  async limitKeys(concurrency: number): Promise<void> {
    for (const queue of [QUEUE, FAIR_QUEUE]) {
      const { limits } = this.storage;
      await limits.declare({ name: perKeyName(queue), ofQueue: true, concurrency });
      await this.admin.setLimit(queue, { perKey: { concurrency } });
    }
  }

  /** Of the fair queue, and of the other: how many jobs of a key may run at once. */
  async mostOfAKey(): Promise<Map<boolean, number>> {
    const rows = await this.query<{ name: string; most: number | null }>('select name, concurrency as most from simple_queue.fleet_limit'); // prettier-ignore
    const mostOf = (queue: string): number =>
      rows.find(({ name }) => name === perKeyName(queue))?.most ?? Infinity;
    return new Map([[true, mostOf(FAIR_QUEUE)], [false, mostOf(QUEUE)]]); // prettier-ignore
  }

  /** Jobs that were handed a permit: of jobs that asked for one, and never more of a key than its limit. */
  async seePermits(model: Model): Promise<void> {
    const rows = await this.query<{ id: string; most: number | null }>(
      `select p.id, l.concurrency as most from simple_queue.permit p join simple_queue.queue q on q.id = p.queue
       left join simple_queue.fleet_limit l on l.name = q.name || '/*'`,
    );
    for (const { id, most } of rows) {
      const job = model.jobs.get(id)!;
      if (job.permit) continue;
      expect([id, model.asksKey(job)]).toEqual([id, true]);
      job.permit = true;
      model.move(job, 'ready');
      const held = model.ofKey(job).filter(({ permit }) => permit).length;
      expect(held).toBeLessThanOrEqual(most ?? Infinity);
    }
  }

  /** Nobody has more of a limit than the model says, and its row is their sum. */
  async compareShares(model: Model, limit: string): Promise<void> {
    const rows = await this.query<{ lease: string; n: number; allotted: number }>(
      `select a.lease, a.n, l.allotted from simple_queue.fleet_limit l left join simple_queue.allotment a on a.name = l.name and a.n > 0 where l.name = $1`,
      [limit],
    );
    const known = [...model.shares].filter(([, n]) => n > 0);
    expect(new Map(rows.filter(({ lease }) => lease).map(({ lease, n }) => [lease, n]))).toEqual(
      new Map(known),
    );
    for (const { allotted } of rows) expect(allotted).toBe(model.shared);
  }

  /** The database says of every job what the model says, and each is in exactly one place. */
  async compare(model: Model): Promise<void> {
    expect(await checkPlaces(this.storage)).toEqual([]);
    const permits = await this.query<{ id: string }>('select id from simple_queue.permit order by id'); // prettier-ignore
    expect(permits.map(({ id }) => id)).toEqual(model.all.filter(({ permit }) => permit).map(({ id }) => id).sort()); // prettier-ignore
    const rows = await this.query<ModelJob>(SHOWN);
    expect(rows.map(({ id }) => id)).toEqual([...model.jobs.keys()].sort());
    for (const row of rows) expect(row).toEqual(shownOf(model.jobs.get(row.id)!));
    const overview = (await this.admin.queues()).map(({ queue, paused, ...counts }) => ({
      queue,
      paused,
      counts: [counts.ready, counts.running, counts.scheduled, counts.deadLetters].map(
        ({ jobs }) => jobs,
      ),
    }));
    expect(overview).toEqual([overviewOf(model, true), overviewOf(model, false)]);
  }
}

/** What `QueueAdmin.queues` says. */
function overviewOf(model: Model, fair: boolean): object {
  const own = model.all.filter(({ lane }) => (lane === 'fair') === fair);
  const live = (['ready', 'running', 'scheduled'] as const).map(
    (state) => own.filter((job) => job.state === state).length,
  );
  const dead = own.filter(
    ({ state }) => isTerminal(state) && KEPT_IN[state] === 'dead_letter',
  ).length;
  return {
    queue: fair ? FAIR_QUEUE : QUEUE,
    paused: model.paused.has(fair),
    counts: [...live, dead],
  };
}

/** From the view, as users see it, with what only the row knows. A job that were in two places, or ended twice, would come twice. */
const SHOWN = `select v.id, v.state, v.attempt, v.stalls, v.reschedules, (v.options ->> 'checkpoint')::int as checkpoint,
    v.cancel_at is not null as "cancelRequested", j.epoch, j.suspicion
  from simple_queue.jobs v left join simple_queue.job j on j.id = v.id order by v.id`;

function shownOf({
  id,
  state,
  attempt,
  stalls,
  reschedules,
  checkpoint,
  ...live
}: ModelJob): object {
  const ended = { cancelRequested: false, epoch: null, suspicion: null };
  const { cancelRequested, epoch, suspicion } = live;
  const inRow = !isTerminal(state) ? { cancelRequested, epoch, suspicion } : ended;
  return { id, state, attempt, stalls, reschedules, checkpoint: checkpoint ?? null, ...inRow };
}
