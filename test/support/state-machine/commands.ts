import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import fc from '../properties.js';
import { isTerminal } from '../../../lib/job/job-state.js';
import type { CancelSelector } from '../../../lib/job/enqueue-options.js';
import type { ClaimWish } from '../../../lib/storage/claim/claim.repository.js';
import type { ClaimedRow } from '../../../lib/storage/claim/row-mapper.js';
import type { OnDeadJob } from '../../../lib/job/job-state.js';
import { runIn } from '../storage.js';
import {
  AN_HOUR,
  Command,
  given,
  OfJob,
  OfRun,
  pick,
  some,
  successOf,
  waitsForOthers,
} from './command.js';
import {
  BeginDecision,
  BeginEnqueue,
  Decide,
  End,
  Expire,
  HandOn,
  ReleaseGroup,
  SettleOrdered,
} from './group-commands.js';
import { ClaimByCursor } from './cursor-commands.js';
import {
  CancelMany,
  EnqueueKeyed,
  LanesVanish,
  Pause,
  PeriodsEnd,
  Redrive,
  Retry,
  UseAgain,
} from './operator-commands.js';
import { HandPermits, LimitKeys } from './key-commands.js';
import { Lapse, Pull, ReapLapsed, Renew, Return } from './pull-commands.js';
import { ENDINGS, SideBySide } from './transaction-commands.js';
import {
  DrawStarts,
  FreeShares,
  RowsOfNobody,
  ShareLimit,
  StrayPlace,
  TablesEmptied,
  Tick,
} from './world-commands.js';
import {
  isLone,
  MAX_STALLS,
  type Model,
  type ModelItem,
  type ModelJob,
  type ModelRun,
} from './model.js';
import { EVERYWHERE, FAIR_QUEUE, KEEP, LANES, QUEUE, type Real } from './real.js';

class Enqueue extends Command {
  constructor(
    private readonly items: ModelItem[],
    private readonly queue = QUEUE,
  ) {
    super();
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const items = this.items.filter((item) => !waitsForOthers(item, model));
    const answers = await real.queues.enqueueMany(this.queue, items.map(given));
    for (const [index, { id, created }] of answers.entries()) {
      const item = items[index]!;
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
    const runs = some(model.runsOf({ ordered: false }), this.succeed);
    const lost = runs.filter((run) => !model.holds(run)).map(({ id }) => id);
    const ready = model.claimable(0, ['plain']);
    const claimId = randomUUID();
    const lanes = [{ lane: real.lanes.plain.id, wanted: this.limit, ranges: [EVERYWHERE] }];
    const wish: ClaimWish = { claimId, lease: worker.lease, lanes, limit: this.limit };

    const answer = await real.storage.claims.settleAndClaim(
      'worker',
      runs.map(successOf),
      [],
      wish,
    );

    expect(answer.lost.sort()).toEqual(lost.sort());
    for (const run of runs) if (model.holds(run)) model.end(run.id, 'succeeded', { spent: 1 });
    expectClaimed(answer.jobs, ready, this.limit, model);
    model.claim(claimId, worker.lease, answer.jobs.map(({ id }) => id)); // prettier-ignore
  }
}

/** From each group an equal share, and of a group the most urgent. */
class ClaimFair extends Command {
  constructor(
    private readonly worker: number,
    private readonly after: string | null,
    private readonly wanted: number,
  ) {
    super();
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const { lease } = pick(real.workers, this.worker);
    const claimId = randomUUID();
    const wish = {
      claimId,
      lease,
      lane: real.lanes.fair.id,
      after: this.after,
      wanted: this.wanted,
    };
    const { jobs } = await real.storage.groups.claimFair(wish);
    const { after } = this;
    const ready = model.all.filter(
      ({ lane, state, suspicion }) => lane === 'fair' && state === 'ready' && suspicion === 0,
    );
    const all = [...new Set(ready.map(({ fair }) => fair!))].sort();
    const behind = all.filter((group) => after === null || group > after);
    const groups = [...behind, ...all.filter((group) => !behind.includes(group))].slice(
      0,
      Math.max(1, this.wanted),
    );
    const shares = groups.map((group, n) => ({
      own: model.claimable(0, ['fair']).filter(({ fair }) => fair === group),
      share: Math.floor(this.wanted / groups.length) + Number(n < this.wanted % groups.length),
    }));
    expect(jobs.length).toBe(
      shares.reduce((sum, { own, share }) => sum + Math.min(share, own.length), 0),
    );
    for (const { own, share } of shares) expectUrgent(jobs.filter(({ id }) => own.some((job) => job.id === id)), own, share); // prettier-ignore
    model.claim(claimId, lease, jobs.map(({ id }) => id)); // prettier-ignore
  }
}

function expectUrgent(rows: ClaimedRow[], own: ModelJob[], share: number): void {
  expect(rows.length).toBeLessThanOrEqual(share);
  const urgent = own.map(({ priority }) => priority).sort((a, b) => a - b);
  expect(rows.map(({ priority }) => priority).sort((a, b) => a - b)).toEqual(
    urgent.slice(0, rows.length),
  );
}

class ClaimSuspects extends Command {
  constructor(
    private readonly worker: number,
    private readonly alone: boolean,
    private readonly limit: number,
  ) {
    super();
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const { lease } = pick(real.workers, this.worker);
    const claimId = randomUUID();
    const wish = { alone: this.alone, limit: this.limit };
    const rows = await real.storage.claims.claimSuspects(claimId, lease, real.laneIds, wish);
    const waiting = model.claimable(this.alone ? 'lone' : 'apart', LANES);
    expect(rows.length).toBe(Math.min(this.limit, waiting.length));
    model.claim(claimId, lease, rows.map(({ id }) => id)); // prettier-ignore
  }
}

/** Others start beside a lone suspect; where the run is none, or an old one, nothing happens. */
class Accompany extends OfRun {
  protected async answer(run: ModelRun, model: Model, real: Real): Promise<void> {
    await real.storage.claims.accompany(run);
    const job = model.jobs.get(run.id)!;
    if (job.epoch === run.epoch && !isTerminal(job.state) && isLone(job)) job.suspicion++;
  }
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
    const answers = await real.storage.settlements.putBack([
      { id: run.id, epoch: run.epoch, change },
    ]);
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
    private readonly onDeadJob: OnDeadJob,
  ) {
    super(index);
  }

  protected async answer(run: ModelRun, model: Model, real: Real): Promise<void> {
    const spent = this.state === 'cancelled' || this.state === 'poisoned' ? 0 : 1;
    const keep = { archiveKeepMs: AN_HOUR, deadLetterKeepMs: AN_HOUR };
    const verdict = {
      state: this.state,
      spent,
      runMs: 1,
      onDeadJob: this.onDeadJob,
      ...keep,
    } as const;
    const answers = await real.storage.settlements.bury('worker', [
      { id: run.id, epoch: run.epoch, verdict },
    ]);
    const state = model.jobs.get(run.id)!.cancelRequested ? 'cancelled' : this.state;
    expect(answers).toEqual(model.holds(run) ? [{ id: run.id, state }] : []);
    if (model.holds(run))
      model.end(run.id, state, { spent, turn: state === 'cancelled' ? 'skip' : this.onDeadJob });
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
    const work = real.test.dataSource.transaction(async (manager) => {
      const done = await real.storage.settlements.complete(
        runIn(real.storage, manager),
        'worker',
        successOf(run),
        { isKeyed: model.jobs.get(run.id)!.tenant !== undefined },
      );
      expect(done).toBe(model.holds(run));
      if (!this.commits) throw new RollBack();
    });
    await work.catch((error: unknown) => expect(error).toBeInstanceOf(RollBack));
    if (this.commits && model.holds(run)) model.end(run.id, 'succeeded', { spent: 1 });
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
    const wish = {
      id: run.id,
      epoch: run.epoch,
      text: String(this.state),
      extraAttempts: 0,
      maxExtraAttempts: 1,
    };
    const granted = await real.storage.checkpoints.save(real.storage.database.callers.run, wish);
    expect(granted).toBe(model.holds(run) ? 0 : undefined);
    if (model.holds(run)) model.jobs.get(run.id)!.checkpoint = this.state;
  }
}

class Cancel extends OfJob {
  protected async change(job: ModelJob, model: Model, real: Real): Promise<void> {
    const counts = await real.storage.cancels.byId(
      real.storage.database.callers.run,
      [job.id],
      KEEP.archive,
    );
    const waits = ['staged', 'blocked', 'ready', 'scheduled'].includes(job.state);
    const asked = job.state === 'running' && !job.cancelRequested;
    expect(counts).toEqual({ cancelled: Number(waits), requested: Number(asked) });
    if (waits) model.end(job.id, 'cancelled');
    if (asked) job.cancelRequested = true;
  }
}

/** The time of a scheduled job, or of a commit, comes. */
class TimePasses extends OfJob {
  protected override isLikely({ state }: ModelJob): boolean {
    return state === 'scheduled' || state === 'staged';
  }

  protected async change(job: ModelJob, _model: Model, real: Real): Promise<void> {
    job.due = job.state === 'scheduled';
    job.overdue = job.state === 'staged';
    if (job.due || job.overdue) await real.letTimePass([job.id]);
  }
}

class Promote extends Command {
  protected async work(model: Model, real: Real): Promise<void> {
    const due = model.all.filter((job) => job.due && !model.isLocked(job));
    const { promoted, pausedQueues } = await real.storage.claims.promote('-infinity', real.laneIds);
    const paused = [...model.paused].map((fair) => real.lanes[fair ? 'fair' : 'plain'].queueId);
    expect({ promoted, pausedQueues: pausedQueues.sort() }).toEqual({
      promoted: due.length,
      pausedQueues: paused.sort(),
    });
    for (const job of due) model.free(job);
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
  constructor(private readonly onDeadJob: OnDeadJob) {
    super();
  }

  protected async work(model: Model, real: Real): Promise<void> {
    await real.reap(MAX_STALLS, this.onDeadJob);
    model.reap(this.onDeadJob);
  }
}

/** One at once after the other: what seldom happens to meet by chance. */
class InTurn extends Command {
  constructor(private readonly parts: readonly Command[]) {
    super();
  }

  override toString(): string {
    return this.parts.join(', ');
  }

  protected async work(model: Model, real: Real): Promise<void> {
    for (const part of this.parts) if (part.check(model)) await part.run(model, real);
  }
}

/** The answer of a claim was lost: its worker lives and does not know it. */
class ReleaseClaim extends Command {
  constructor(private readonly index: number) {
    super();
  }

  protected override isPossible(model: Model): boolean {
    return model.claims.some(({ pulled }) => !pulled);
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const own = model.claims.filter(({ pulled }) => !pulled);
    const claim = pick(own, this.index);
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
    expect({ epoch: row.epoch, attempt: row.spent, cancelRequested: row.cancelled }).toEqual({
      epoch,
      attempt,
      cancelRequested,
    });
  }
}

/** Ordered ones. */
export const GROUPS = ['g', 'h'];
const rarely = fc.oneof(
  { arbitrary: fc.constant(false), weight: 4 },
  { arbitrary: fc.constant(true), weight: 1 },
);
const priority = fc.constantFrom(0, 0, 0, 5, -5);
const tag = fc.option(fc.constant('tag'), { nil: undefined, freq: 3 });
const tenant = fc.option(fc.constantFrom('t', 'u'), { nil: undefined, freq: 2 });
const rareKey = fc.option(fc.constant('d'), { nil: undefined, freq: 4 });
const key = fc.constantFrom('a', 'b', 'c');
const item = fc.record({
  priority,
  uniqueKey: fc.option(key, { nil: undefined, freq: 3 }),
  delayed: fc.boolean(),
  staged: rarely,
  labelled: rarely,
  tag,
  tenant,
});
const fairGroup = fc.constantFrom('', 'x', 'y');
const fairItem = fc.record({
  fair: fairGroup,
  priority,
  uniqueKey: rareKey,
  delayed: rarely,
  staged: rarely,
  tag,
  tenant,
});
const group = fc.constantFrom(...GROUPS);
const groupItem = fc.record({ group, delayed: rarely, staged: rarely, tag, tenant });
const worker = fc.nat(2);
const index = fc.oneof(fc.nat(4), fc.nat(50));
const onDeadJob = fc.constantFrom<OnDeadJob>('block', 'skip', 'halt');

const once = fc.constant(undefined);

const enqueueAny = fc
  .array(fc.oneof(item, groupItem), { minLength: 1, maxLength: 5 })
  .map((items) => new Enqueue(items));
const enqueueOrdered = fc
  .array(groupItem, { minLength: 2, maxLength: 5 })
  .map((items) => new Enqueue(items));
const claimAll = worker.map((given) => new SettleAndClaim(given, [], 10));
const bury = fc
  .tuple(
    index,
    fc.constantFrom('failed', 'critical', 'unprocessable', 'cancelled', 'poisoned'),
    onDeadJob,
  )
  .map((given) => new Bury(...given));
const complete = fc.tuple(index, fc.boolean()).map((given) => new Complete(...given));
const putBack = fc
  .tuple(index, fc.constantFrom('retry', 'reschedule', 'release'), fc.boolean())
  .map(([at, way, delayed]) => new PutBack(at, way, delayed));
const cancel = index.map((given) => new Cancel(given));
const timePasses = index.map((given) => new TimePasses(given));
const promote = once.map(() => new Promote());
const decide = fc
  .tuple(index, fc.constantFrom('commit', 'abort'))
  .map((given) => new Decide(...given));
const expire = once.map(() => new Expire());
const handOn = once.map(() => new HandOn());
const settleOrdered = fc
  .tuple(fc.array(fc.nat(3), { minLength: 1, maxLength: 2 }), fc.option(worker, { nil: undefined }))
  .map((given) => new SettleOrdered(...given));
const claimSuspects = fc
  .tuple(worker, fc.boolean(), fc.constantFrom(1, 5))
  .map((given) => new ClaimSuspects(...given));
const accompany = index.map((given) => new Accompany(given));
const end = fc
  .tuple(fc.nat(2), fc.oneof(fc.constant(true), fc.boolean()))
  .map((given) => new End(...given));

const enqueueFair = fc
  .array(fairItem, { minLength: 1, maxLength: 5 })
  .map((items) => new Enqueue(items, FAIR_QUEUE));
const claimFair = fc
  .tuple(worker, fc.constantFrom(null, null, '', 'x'), fc.nat(6))
  .map((given) => new ClaimFair(...given));
const keyedItem = fc.record({ uniqueKey: key, priority, delayed: rarely, tag, tenant });
const enqueueKeyed = fc
  .tuple(keyedItem, fc.constantFrom('replace', 'debounce', 'throttle'))
  .map((given) => new EnqueueKeyed(...given));
const cancelMany = fc
  .constantFrom<CancelSelector>(
    { fingerprint: 'tag' },
    { fingerprint: 'tag', queue: FAIR_QUEUE },
    { uniqueKey: 'a', queue: QUEUE },
    { uniqueKey: 'd', queue: FAIR_QUEUE },
    { group: 'x', queue: FAIR_QUEUE },
    { group: 'g', queue: QUEUE },
  )
  .map((selector) => new CancelMany(selector));
const retry = index.map((given) => new Retry(given));
const redrive = rarely.map((fair) => new Redrive(fair));
const lanesVanish = fc.constant(null).map(() => new LanesVanish());
const pause = fc.tuple(fc.boolean(), rarely).map((given) => new Pause(...given));
const pull = fc
  .tuple(fc.nat(1), fc.boolean(), fc.constantFrom(1, 3, 20))
  .map((given) => new Pull(...given));
const giveBack = fc
  .tuple(index, fc.nat(4), fc.constantFrom('complete', 'fail', 'give up', 'release'))
  .map((given) => new Return(...given));
const renew = index.map((given) => new Renew(given));
const lapse = index.map((given) => new Lapse(given));
const reapLapsed = once.map(() => new ReapLapsed());

const useAgain = fc.oneof(
  fc.tuple(index, fc.oneof(item, groupItem)).map((given) => new UseAgain(...given)),
  fc.tuple(index, fairItem).map((given) => new UseAgain(...given, FAIR_QUEUE)),
);

const sideBySide = fc
  .tuple(fc.array(item, { minLength: 1, maxLength: 5 }), fc.constantFrom(...ENDINGS))
  .map((given) => new SideBySide(...given));
const halt = index.map((given) => new Bury(given, 'failed', 'halt'));
const beginDecision = fc
  .tuple(index, fc.constantFrom('cancel', 'commit', 'abort'))
  .map((given) => new BeginDecision(...given));
const loseLease = worker.map((given) => new LoseLease(given));
const reap = onDeadJob.map((given) => new Reap(given));
const inTurn = (...parts: fc.Arbitrary<Command>[]): fc.Arbitrary<Command> =>
  fc.tuple(...parts).map((all) => new InTurn(all));

const claimByCursor = fc
  .tuple(fc.constantFrom(1, 1, 60, 1_200, 20_000), fc.constantFrom(1, 3, 10))
  .map((given) => new ClaimByCursor(...given));
const lateItem = fc.record({ priority, delayed: rarely, labelled: rarely, tag, tenant });
const beginLate = fc
  .array(lateItem, { minLength: 5, maxLength: 30 })
  .map((items) => new BeginEnqueue(items));
const commit = fc.nat(2).map((given) => new End(given, true));

const hand = fc.constantFrom(1, 1, 3).map((given) => new HandPermits(given));
const limitKeys = fc.constantFrom(1, 2, 3).map((given) => new LimitKeys(given));
const tablesEmptied = once.map(() => new TablesEmptied());
const strayPlace = fc
  .tuple(index, fc.constantFrom('lane', 'epoch', 'time'))
  .map((given) => new StrayPlace(...given));
const rowsOfNobody = worker.map((given) => new RowsOfNobody(given));
const shareLimit = fc
  .tuple(worker, fc.constantFrom('take', 'take', 'give', 'end', 'crowd'), fc.nat(4))
  .map((given) => new ShareLimit(...given));
const freeShares = once.map(() => new FreeShares());
const drawStarts = fc.array(fc.nat(3), { maxLength: 4 }).map((given) => new DrawStarts(given));
const tick = fc.constantFrom(1, 2, 5).map((given) => new Tick(given));

/** What may happen; the more a line is repeated, the more often it does. */
export const commands = {
  plain: (): fc.Arbitrary<fc.AsyncCommand<Model, Real>>[] => [
    fc.array(item, { minLength: 1, maxLength: 5 }).map((items) => new Enqueue(items)),
    enqueueAny,
    sideBySide,
    fc
      .tuple(worker, fc.array(index, { maxLength: 3 }), fc.nat(4))
      .map((given) => new SettleAndClaim(...given)),
    claimAll,
    claimSuspects,
    accompany,
    putBack,
    bury,
    complete,
    fc.tuple(index, fc.nat(9)).map((given) => new Checkpoint(...given)),
    cancel,
    timePasses,
    promote,
    loseLease,
    reap,
    index.map((given) => new ReleaseClaim(given)),
    decide,
    expire,
    enqueueFair,
    claimFair,
    enqueueKeyed,
    inTurn(enqueueKeyed, enqueueKeyed),
    once.map(() => new PeriodsEnd()),
    cancelMany,
    retry,
    redrive,
    useAgain,
    inTurn(claimAll, loseLease, reap, claimSuspects, complete, useAgain, claimAll, bury),
    claimByCursor,
    beginLate,
    end,
    inTurn(beginLate, enqueueAny, claimByCursor, commit, claimByCursor),
    lanesVanish,
    fc.oneof(tablesEmptied, rowsOfNobody),
    strayPlace,
    inTurn(shareLimit, shareLimit, shareLimit),
    inTurn(shareLimit, loseLease, freeShares, reap, freeShares),
    drawStarts,
    tick,
    hand,
    inTurn(enqueueAny, hand, claimAll),
    inTurn(hand, claimAll, settleOrdered, hand),
    inTurn(limitKeys, hand),
    inTurn(hand, claimAll, loseLease, reap, hand, claimSuspects),
    inTurn(hand, enqueueKeyed, hand),
    inTurn(enqueueFair, hand, claimFair, settleOrdered),
  ],
  /** Beside workers outside, and operators. */
  pulled: (): fc.Arbitrary<fc.AsyncCommand<Model, Real>>[] => [
    enqueueAny,
    enqueueFair,
    inTurn(enqueueFair, pull, giveBack),
    inTurn(enqueueAny, pull, giveBack),
    pull,
    giveBack,
    giveBack,
    inTurn(cancel, renew),
    inTurn(lapse, fc.oneof(renew, reapLapsed), fc.oneof(giveBack, renew, pull)),
    inTurn(lapse, reapLapsed, claimSuspects, loseLease, reap, pull),
    inTurn(pull, pull),
    inTurn(pull, giveBack, retry, pull, giveBack),
    inTurn(pull, giveBack, useAgain, fc.oneof(giveBack, renew, pull)),
    claimAll,
    claimFair,
    inTurn(claimFair, putBack),
    inTurn(claimFair, loseLease, reap),
    bury,
    index.map((given) => new ReleaseClaim(given)),
    retry,
    redrive,
    cancel,
    cancelMany,
    pause,
    inTurn(lanesVanish, enqueueAny, pull),
    timePasses,
    promote,
    beginDecision,
    end,
    inTurn(pull, tablesEmptied, fc.oneof(pull, giveBack)),
    strayPlace,
    tick,
    hand,
    limitKeys,
    inTurn(enqueueAny, hand, pull, giveBack),
    inTurn(hand, pull, lapse, reapLapsed, hand),
  ],
  ordered: (): fc.Arbitrary<fc.AsyncCommand<Model, Real>>[] => [
    enqueueAny,
    inTurn(lanesVanish, enqueueOrdered),
    sideBySide,
    enqueueOrdered,
    claimAll,
    settleOrdered,
    inTurn(claimAll, settleOrdered),
    inTurn(claimAll, bury, handOn),
    inTurn(enqueueAny, claimAll, halt, settleOrdered, enqueueOrdered),
    inTurn(enqueueOrdered, beginDecision, claimAll, settleOrdered),
    inTurn(claimAll, complete, handOn),
    inTurn(claimAll, putBack),
    inTurn(loseLease, reap, claimSuspects),
    inTurn(cancel, handOn),
    inTurn(claimAll, bury, retry),
    inTurn(claimAll, complete, useAgain, putBack),
    retry,
    fc.oneof(redrive, cancelMany),
    inTurn(timePasses, fc.oneof(promote, expire)),
    bury,
    complete,
    cancel,
    decide,
    handOn,
    group.map((given) => new ReleaseGroup(given)),
    fc.array(groupItem, { minLength: 1, maxLength: 3 }).map((items) => new BeginEnqueue(items)),
    beginDecision,
    end,
    end,
    fc.oneof(tablesEmptied, strayPlace, tick),
    hand,
    limitKeys,
    inTurn(enqueueOrdered, hand, claimAll, settleOrdered, hand),
    inTurn(hand, claimAll, bury, handOn, hand),
  ],
};
