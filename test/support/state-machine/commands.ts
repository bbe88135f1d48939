import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import fc from 'fast-check';
import type { ClaimWish } from '../../../lib/storage/job.repository.js';
import type { ClaimedRow } from '../../../lib/storage/row-mapper.js';
import { MAX_STALLS, type Model, type ModelJob, type ModelRun } from './model.js';
import { KEEP, QUEUE, type Real } from './real.js';

/**
 * What may happen to jobs, in any order. To add something: a class whose `work` does it to both sides and compares the answers, and a line in
 * `commands()`. Numbers in a command choose among what there is, so that shrinking keeps it meaningful.
 */
abstract class Command implements fc.AsyncCommand<Model, Real> {
  check(model: Readonly<Model>): boolean {
    return this.isPossible(model as Model);
  }

  async run(model: Model, real: Real): Promise<void> {
    await this.work(model, real);
    await real.compare(model);
  }

  toString(): string {
    return `${this.constructor.name}(${JSON.stringify(Object.values(this))})`;
  }

  protected isPossible(_model: Model): boolean {
    return true;
  }

  protected abstract work(model: Model, real: Real): Promise<void>;
}

const AN_HOUR = 3_600_000;
/** From the end: small numbers are frequent, and so is what happened lately. */
const pick = <T>(list: readonly T[], index: number): T => list[list.length - 1 - (index % list.length)]!;
const EVERYWHERE = { priority: -32_768, runAt: '-infinity', id: '00000000-0000-0000-0000-000000000000', upto: 32_767 };

interface Item {
  priority: number;
  uniqueKey?: string;
  delayed: boolean;
}

class Enqueue extends Command {
  constructor(private readonly items: Item[]) {
    super();
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const items = this.items.map(({ priority, uniqueKey, delayed }, n) => ({
      payload: { n },
      priority,
      uniqueKey,
      delayMs: delayed ? AN_HOUR : undefined,
    }));
    const answers = await real.queues.enqueueMany(QUEUE, items);
    for (const [index, { id, created }] of answers.entries()) {
      const item = this.items[index]!;
      const known = item.uniqueKey === undefined ? undefined : model.live(item.uniqueKey);
      expect({ created, id: known && id }).toEqual({ created: !known, id: known?.id });
      if (created) model.add(id, item);
    }
  }
}

/** Settles successes and claims what is ready, in one statement: runs that lost their job are named, and change nothing. */
class SettleAndClaim extends Command {
  constructor(
    private readonly worker: number,
    private readonly succeed: number[],
    private readonly limit: number,
  ) {
    super();
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const worker = pick(real.workers, this.worker);
    const runs = distinct(model.runs.length > 0 ? this.succeed.map((index) => pick(model.runs, index)) : []);
    const lost = runs.filter((run) => !model.holds(run)).map(({ id }) => id);
    const ready = model.claimable(0);
    const claimId = randomUUID();
    const lanes = [{ lane: real.lane.id, wanted: this.limit, ranges: [EVERYWHERE] }];
    const wish: ClaimWish = { claimId, lease: worker.lease, lanes, limit: this.limit };
    const successes = runs.map(({ id, epoch }) => ({ id, epoch, runMs: 1, keepMs: AN_HOUR, output: '1' }));

    const answer = await real.storage.jobs.settleAndClaim('worker', successes, [], wish);

    expect(answer.lost.sort()).toEqual(lost.sort());
    for (const run of runs) if (model.holds(run)) model.end(run.id, 'succeeded', 1);
    expectClaimed(answer.jobs, ready, this.limit, model);
    model.claim(claimId, worker.lease, answer.jobs.map(({ id }) => id)); // prettier-ignore
  }
}

class ClaimSuspects extends Command {
  constructor(
    private readonly worker: number,
    private readonly suspicion: 1 | 2,
    private readonly limit: number,
  ) {
    super();
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const { lease } = pick(real.workers, this.worker);
    const claimId = randomUUID();
    const wish = { suspicion: this.suspicion, limit: this.limit };
    const rows = await real.storage.jobs.claimSuspects(claimId, lease, [real.lane.id], wish);
    const waiting = model.claimable(this.suspicion);
    expect(rows.length).toBe(Math.min(this.limit, waiting.length));
    model.claim(claimId, lease, rows.map(({ id }) => id)); // prettier-ignore
  }
}

/** Of a run that holds its job, or of one that has lost it. */
abstract class OfRun extends Command {
  constructor(protected readonly index: number) {
    super();
  }

  protected override isPossible(model: Model): boolean {
    return model.runs.length > 0;
  }

  protected work(model: Model, real: Real): Promise<void> {
    return this.answer(pick(model.runs, this.index), model, real);
  }

  protected abstract answer(run: ModelRun, model: Model, real: Real): Promise<void>;
}

const WAYS = {
  retry: { spent: 1, rescheduled: 0, ran: true },
  reschedule: { spent: 0, rescheduled: 1, ran: true },
  release: { spent: 0, rescheduled: 0, ran: false },
} as const;

class PutBack extends OfRun {
  constructor(
    index: number,
    private readonly way: keyof typeof WAYS,
    private readonly delayed: boolean,
  ) {
    super(index);
  }

  protected async answer(run: ModelRun, model: Model, real: Real): Promise<void> {
    const change = { ...WAYS[this.way], delayMs: this.delayed ? AN_HOUR : 0 };
    const answers = await real.storage.jobs.putBack([{ id: run.id, epoch: run.epoch, change }]);
    const held = model.holds(run);
    const moved = held && !model.jobs.get(run.id)!.cancelRequested;
    expect(answers).toEqual(held ? [{ id: run.id, moved }] : []);
    if (moved) model.putBack(run, { ...WAYS[this.way], delayed: this.delayed });
  }
}

class Bury extends OfRun {
  constructor(
    index: number,
    private readonly state: 'failed' | 'critical' | 'unprocessable' | 'cancelled' | 'poisoned',
  ) {
    super(index);
  }

  protected async answer(run: ModelRun, model: Model, real: Real): Promise<void> {
    const spent = this.state === 'cancelled' || this.state === 'poisoned' ? 0 : 1;
    const keep = { archiveKeepMs: AN_HOUR, deadLetterKeepMs: AN_HOUR };
    const verdict = { state: this.state, spent, runMs: 1, ...keep } as const;
    const answers = await real.storage.jobs.bury('worker', [{ id: run.id, epoch: run.epoch, verdict }]);
    const state = model.jobs.get(run.id)!.cancelRequested ? 'cancelled' : this.state;
    expect(answers).toEqual(model.holds(run) ? [{ id: run.id, state }] : []);
    if (model.holds(run)) model.end(run.id, state, spent);
  }
}

/** In a transaction of the handler, which commits or rolls back. */
class Complete extends OfRun {
  constructor(
    index: number,
    private readonly commits: boolean,
  ) {
    super(index);
  }

  protected async answer(run: ModelRun, model: Model, real: Real): Promise<void> {
    const success = { id: run.id, epoch: run.epoch, runMs: 1, keepMs: AN_HOUR, output: '1' };
    const work = real.test.dataSource.transaction(async (manager) => {
      const done = await real.storage.jobs.complete(real.storage.database.in(manager), 'worker', success);
      expect(done).toBe(model.holds(run));
      if (!this.commits) throw new RollBack();
    });
    await work.catch((error: unknown) => expect(error).toBeInstanceOf(RollBack));
    if (this.commits && model.holds(run)) model.end(run.id, 'succeeded', 1);
  }
}

class RollBack extends Error {}

class Checkpoint extends OfRun {
  constructor(
    index: number,
    private readonly state: number,
  ) {
    super(index);
  }

  protected async answer(run: ModelRun, model: Model, real: Real): Promise<void> {
    const wish = { id: run.id, epoch: run.epoch, text: String(this.state), extraAttempts: 0, maxExtraAttempts: 1 };
    const granted = await real.storage.checkpoints.save(real.storage.database.callers.run, wish);
    expect(granted).toBe(model.holds(run) ? 0 : undefined);
    if (model.holds(run)) model.jobs.get(run.id)!.checkpoint = this.state;
  }
}

abstract class OfJob extends Command {
  constructor(protected readonly index: number) {
    super();
  }

  protected override isPossible(model: Model): boolean {
    return model.jobs.size > 0;
  }

  protected work(model: Model, real: Real): Promise<void> {
    return this.change(pick(model.all, this.index), model, real);
  }

  protected abstract change(job: ModelJob, model: Model, real: Real): Promise<void>;
}

class Cancel extends OfJob {
  protected async change(job: ModelJob, model: Model, real: Real): Promise<void> {
    const counts = await real.storage.jobs.cancelById(real.storage.database.callers.run, [job.id], KEEP.archive);
    const waits = job.state === 'ready' || job.state === 'scheduled';
    const asked = job.state === 'running' && !job.cancelRequested;
    expect(counts).toEqual({ cancelled: Number(waits), requested: Number(asked) });
    if (waits) model.end(job.id, 'cancelled');
    if (asked) job.cancelRequested = true;
  }
}

/** The time of a scheduled job comes. */
class TimePasses extends OfJob {
  protected async change(job: ModelJob, _model: Model, real: Real): Promise<void> {
    if (job.state !== 'scheduled') return;
    job.due = true;
    await real.query(
      `with past as (update simple_queue.job set run_at = now() - interval '1 second' where id = $1 returning id, run_at)
       update simple_queue.scheduled s set run_at = past.run_at from past where s.id = past.id`,
      [job.id],
    );
  }
}

class Promote extends Command {
  protected async work(model: Model, real: Real): Promise<void> {
    const due = model.all.filter((job) => job.due);
    const { promoted } = await real.storage.jobs.promote('-infinity', [real.lane.id]);
    expect(promoted).toBe(due.length);
    for (const job of due) model.move(job, 'ready');
  }
}

/** A worker dies, or is silent for too long; another one takes its place. Its runs may still answer. */
class LoseLease extends Command {
  constructor(private readonly worker: number) {
    super();
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const worker = pick(real.workers, this.worker);
    await real.query('delete from simple_queue.lease where id = $1', [worker.lease]);
    model.liveLeases.delete(worker.lease);
    worker.lease = await real.takeLease(model);
  }
}

class Reap extends Command {
  protected async work(model: Model, real: Real): Promise<void> {
    await real.reap(MAX_STALLS);
    model.reap();
  }
}

/** The answer of a claim was lost: its worker lives and does not know it. */
class ReleaseClaim extends Command {
  constructor(private readonly index: number) {
    super();
  }

  protected override isPossible(model: Model): boolean {
    return model.claims.length > 0;
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const claim = pick(model.claims, this.index);
    if (!model.liveLeases.has(claim.lease)) return;
    const jobs = await real.storage.leases.releaseClaims(claim.lease, [claim.id]);
    expect(jobs).toBe(claim.runs.filter((run) => model.holds(run)).length);
    model.release(claim);
  }
}

/** As many as asked for, the most urgent first, and nothing that may not run. */
function expectClaimed(rows: ClaimedRow[], ready: ModelJob[], limit: number, model: Model): void {
  expect(rows.length).toBe(Math.min(limit, ready.length));
  const urgent = ready.map(({ priority }) => priority).sort((a, b) => a - b);
  expect(rows.map(({ priority }) => priority)).toEqual(urgent.slice(0, limit));
  for (const row of rows) {
    const { epoch, attempt, cancelRequested } = model.jobs.get(row.id)!;
    expect({ epoch: row.epoch, attempt: row.spent, cancelRequested: row.cancelled }).toEqual({ epoch, attempt, cancelRequested });
  }
}

function distinct(runs: ModelRun[]): ModelRun[] {
  return [...new Map(runs.map((run) => [run.id, run])).values()];
}

const item = fc.record({
  priority: fc.constantFrom(0, 0, 0, 5, -5),
  uniqueKey: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined, freq: 3 }),
  delayed: fc.boolean(),
});
const worker = fc.nat(2);
const index = fc.oneof(fc.nat(4), fc.nat(50));

/** Everything that may happen; the more a line is repeated, the more often it does. */
export const commands = (): fc.Arbitrary<fc.AsyncCommand<Model, Real>>[] => [
  fc.array(item, { minLength: 1, maxLength: 5 }).map((items) => new Enqueue(items)),
  fc.tuple(worker, fc.array(index, { maxLength: 3 }), fc.nat(4)).map((given) => new SettleAndClaim(...given)),
  fc.tuple(worker, fc.constant<number[]>([]), fc.constantFrom(1, 3, 10)).map((given) => new SettleAndClaim(...given)),
  fc.tuple(worker, fc.constantFrom<1 | 2>(1, 2), fc.constantFrom(1, 5)).map((given) => new ClaimSuspects(...given)),
  fc
    .tuple(index, fc.constantFrom('retry', 'reschedule', 'release'), fc.boolean())
    .map(([at, way, delayed]) => new PutBack(at, way, delayed)),
  fc
    .tuple(index, fc.constantFrom('failed', 'critical', 'unprocessable', 'cancelled', 'poisoned'))
    .map((given) => new Bury(...given)),
  fc.tuple(index, fc.boolean()).map((given) => new Complete(...given)),
  fc.tuple(index, fc.nat(9)).map((given) => new Checkpoint(...given)),
  index.map((given) => new Cancel(given)),
  index.map((given) => new TimePasses(given)),
  fc.constant(undefined).map(() => new Promote()),
  worker.map((given) => new LoseLease(given)),
  fc.constant(undefined).map(() => new Reap()),
  index.map((given) => new ReleaseClaim(given)),
];
