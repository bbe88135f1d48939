import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import type { ClaimedRow } from '../../../lib/storage/claim/row-mapper.js';
import { isTerminal } from '../../../lib/job/job-state.js';
import { QueueSchedules } from '../../../lib/schedules/queue-schedules.js';
import { Ticker } from '../../../lib/schedules/ticker.js';
import { runIn } from '../storage.js';
import { aSite } from '../site.js';
import { AN_HOUR, Command, given, OfJob, pick, successOf } from './command.js';
import type { Model, ModelItem, ModelJob, ModelRun } from './model.js';
import { EVERYWHERE, FAIR_QUEUE, QUEUE, type Real } from './real.js';

const KEEP_MS = { archiveKeepMs: AN_HOUR, deadLetterKeepMs: AN_HOUR };
const FEW = 4;

/** What a run that lost its job may say: each way returns that it changed nothing. */
const LATE: ((run: ModelRun, real: Real) => Promise<void>)[] = [
  async ({ id, epoch }, { storage }) => {
    const change = { spent: 1, rescheduled: 0, ran: true, delayMs: 0 } as const;
    expect(await storage.settlements.putBack([{ id, epoch, change }])).toEqual([]);
  },
  async ({ id, epoch }, { storage }) => {
    const verdict = { state: 'failed', spent: 1, runMs: 1, ...KEEP_MS } as const;
    expect(await storage.settlements.bury('worker', [{ id, epoch, verdict }])).toEqual([]);
  },
  async (run, { storage }) => {
    const { lost } = await storage.groups.settle('worker', [successOf(run)]);
    expect(lost).toEqual([run.id]);
  },
  async (run, { storage, test }) =>
    test.dataSource.transaction(async (manager) => {
      const run_ = runIn(storage, manager);
      expect(await storage.settlements.complete(run_, 'worker', successOf(run))).toBe(false);
    }),
];

/** Somebody empties all tables under living processes: their runs answer, and they enqueue, as if nothing had been. */
export class TablesEmptied extends Command {
  protected override isPossible(model: Model): boolean {
    return model.transactions.length === 0;
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const runs = model.answerable.slice(-FEW);
    const pulled = model.pulled.slice(-FEW);
    await real.emptyTables();
    model.empty();
    for (const [index, run] of runs.entries()) await LATE[index % LATE.length]!(run, real);
    for (const { id, runs: held } of pulled)
      for (const run of held.slice(0, 1))
        await expect(real.remote.complete(id, run.id)).rejects.toMatchObject({ code: 'LEASE_UNKNOWN' }); // prettier-ignore
    for (const worker of real.workers) worker.lease = await real.takeLease(model);
    await this.enqueue(QUEUE, { delayed: false }, model, real);
    await this.enqueue(QUEUE, { delayed: true, labelled: true }, model, real);
    await this.enqueue(FAIR_QUEUE, { delayed: false, fair: 'x' }, model, real);
    await real.findLanes();
  }

  private async enqueue(queue: string, item: ModelItem, model: Model, real: Real): Promise<void> {
    const [answer] = await real.queues.enqueueMany(queue, [given(item)]);
    expect(answer!.created).toBe(true);
    model.add(answer!.id, item);
  }
}

/** Takes whatever may run in the lanes of plain jobs. */
async function claimPlain(model: Model, real: Real): Promise<{ id: string; jobs: ClaimedRow[] }> {
  const [id, { lease }] = [randomUUID(), real.workers[0]!];
  const lanes = [real.lanes.plain, real.lanes.labelled].map((lane) => ({
    lane: lane.id,
    wanted: 500,
    ranges: [EVERYWHERE],
  }));
  const wish = { claimId: id, lease, lanes, limit: 500 };
  const { jobs } = await real.storage.claims.settleAndClaim('worker', [], [], wish);
  const own = jobs.filter(({ ownLane }) => ownLane === undefined);
  model.claim(id, lease, own.map((job) => job.id)); // prettier-ignore
  return { id, jobs };
}

/** Somebody inserts a second place for a job, which is not its own: nobody runs it, and whoever claims it puts it back unrun. */
export class StrayPlace extends OfJob {
  constructor(
    index: number,
    private readonly differs: 'lane' | 'epoch' | 'time',
  ) {
    super(index);
  }

  protected async change(job: ModelJob, model: Model, real: Real): Promise<void> {
    if (isTerminal(job.state)) return;
    await claimPlain(model, real);
    await this.place(job, real);
    const { id, jobs } = await claimPlain(model, real);
    expect(jobs.map((row) => [row.id, row.ownLane === undefined])).toEqual([[job.id, false]]);
    const returned = await real.storage.claims.returnStrays(jobs);
    expect(returned).toEqual({ locked: new Set(), placed: [] });
    const nothing = { claimId: randomUUID(), lease: real.workers[0]!.lease, lanes: [], limit: 0 };
    await real.storage.claims.settleAndClaim('worker', [], [id], nothing);
  }

  private async place({ id, lane }: ModelJob, real: Real): Promise<void> {
    const { plain, labelled } = real.lanes;
    const isElsewhere = this.differs === 'lane' || lane === 'fair';
    const other = lane === 'plain' ? labelled : plain;
    await real.query(
      `insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch)
       select $2, 0, priority, run_at - $3::interval, id, epoch + $4 from simple_queue.job where id = $1`,
      [
        id,
        isElsewhere ? other.id : real.lanes[lane].id,
        this.differs === 'time' ? '1 hour' : '0',
        Number(this.differs === 'epoch'),
      ],
    );
  }
}

/** Rows of jobs that there are not, in a place and in a claim of a worker that lives. */
export class RowsOfNobody extends Command {
  constructor(private readonly worker: number) {
    super();
  }

  protected async work(model: Model, real: Real): Promise<void> {
    await claimPlain(model, real);
    await real.query(
      `insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch) values ($1, 0, 0, now(), gen_random_uuid(), 0)`,
      [real.lanes.plain.id],
    );
    const taken = await claimPlain(model, real);
    expect(taken.jobs).toEqual([]);
    // Its row stays until a heartbeat, or the reaper, finds that nothing of it runs.
    model.claims.push({ id: taken.id, lease: real.workers[0]!.lease, runs: [] });
    expect(await real.query('select from simple_queue.ready where lane = $1', [real.lanes.plain.id])).toEqual([]); // prettier-ignore
    const [id, { lease }] = [randomUUID(), pick(real.workers, this.worker)];
    await real.query(
      `insert into simple_queue.claim (id, shard, lease, jobs, epochs) values ($1, 0, $2, array[gen_random_uuid()], array[0])`,
      [id, lease],
    );
    model.claims.push({ id, lease, runs: [] });
  }
}

/** What the limit lets run at once, and how many starts it has in an hour. */
const [MOST, STARTS] = [5, 7];
const LIMIT = {
  name: 'machine-limit',
  ofQueue: false,
  concurrency: MOST,
  rate: { limit: STARTS, perMs: AN_HOUR },
};
const CROWD = 20;

/** A process asks for permits of a limit across the fleet, gives some back, or ends; or many ask at once. */
export class ShareLimit extends Command {
  constructor(
    private readonly worker: number,
    private readonly way: 'take' | 'give' | 'end' | 'crowd',
    private readonly permits: number,
  ) {
    super();
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const { limits } = real.storage;
    await limits.declare(LIMIT);
    const { lease } = pick(real.workers, this.worker);
    const own = model.shares.get(lease) ?? 0;
    const free = MOST - model.shared;
    if (this.way === 'crowd') await this.crowd(model, real);
    if (this.way === 'take') {
      const n = await this.take(lease, this.permits, real);
      expect(n).toBe(own + Math.min(this.permits, free));
      model.shares.set(lease, n!);
    }
    if (this.way === 'give' && own > 0) {
      const back = Math.min(own, this.permits);
      expect(await limits.give(LIMIT.name, { lease, back, wanted: 0 })).toBe(own - back);
      model.shares.set(lease, own - back);
    }
    if (this.way === 'end') {
      await limits.end(LIMIT.name, lease);
      model.shares.delete(lease);
    }
    await real.compareShares(model, LIMIT.name);
  }

  /** Nobody can say who gets what; together they get what is free. */
  private async crowd(model: Model, real: Real): Promise<void> {
    const asked = Array.from({ length: CROWD }, (_, n) => pick(real.workers, n).lease);
    await Promise.all(asked.map((lease) => this.take(lease, 1, real)));
    const rows = await real.query<{ lease: string; n: number }>('select lease, n from simple_queue.allotment'); // prettier-ignore
    for (const { lease, n } of rows) model.shares.set(lease, n);
    expect(model.shared).toBe(MOST);
  }

  private take(lease: string, more: number, real: Real): Promise<number | undefined> {
    return real.storage.limits.take(LIMIT.name, { lease, more, wanted: more, lanes: [], declares: null }); // prettier-ignore
  }
}

/** Starts of the hour, by several processes at once: no more than there are, and none that is left. */
export class DrawStarts extends Command {
  constructor(private readonly asked: number[]) {
    super();
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const { limits } = real.storage;
    await limits.declare(LIMIT);
    const drawn = await Promise.all(
      this.asked.map((starts) => limits.draw(LIMIT.name, { starts, lanes: [], here: starts })),
    );
    const got = drawn.reduce((sum, each) => sum + each!.drawn, 0);
    const all = this.asked.reduce((sum, starts) => sum + starts, 0);
    expect(got).toBe(Math.min(all, STARTS - model.started));
    model.started += got;
  }
}

/** The reaper's last duty: shares of the dead whose jobs were put back. */
export class FreeShares extends Command {
  protected async work(model: Model, real: Real): Promise<void> {
    await real.storage.limits.freeShares();
    for (const lease of model.shares.keys())
      if (!model.liveLeases.has(lease) && !model.claims.some((claim) => claim.lease === lease))
        model.shares.delete(lease);
    await real.compareShares(model, LIMIT.name);
  }
}

/** The time of a schedule comes, and everybody sees it at once: one job. */
export class Tick extends Command {
  constructor(private readonly tickers: number) {
    super();
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const { storage, test } = real;
    const parts = { events: test.events, owner: 'machine' };
    await new QueueSchedules(storage, test.options, parts).put('machine', {
      // No further time of it comes while this runs.
      everyMs: 366 * 24 * AN_HOUR,
      startAt: new Date('2020-01-01T00:30:00Z'),
      overlap: 'allow',
      target: QUEUE,
      payload: { delayed: false },
    });
    await real.query(
      `update simple_queue.schedule set next_at = date_trunc('milliseconds', now() - interval '1 second')`,
    );
    const before = new Set(model.jobs.keys());
    const rounds = Array.from({ length: this.tickers }, () => new Ticker(aSite(test)).round());
    await Promise.all(rounds);
    const rows = await real.query<{ id: string }>('select id from simple_queue.job');
    const made = rows.filter(({ id }) => !before.has(id));
    expect(made).toHaveLength(1);
    model.add(made[0]!.id, { delayed: false });
  }
}
