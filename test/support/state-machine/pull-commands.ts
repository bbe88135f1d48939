import { expect } from '@jest/globals';
import type { LeaseRenewal } from '../../../lib/pull/job-queue.js';
import { Command, LABEL, pick } from './command.js';
import {
  isLone,
  kindOf,
  type Model,
  type ModelClaim,
  type ModelJob,
  type ModelLane,
  type ModelPulled,
  type ModelRun,
} from './model.js';
import { FAIR_QUEUE, LANES, QUEUE, type Real } from './real.js';

const A_DAY = 86_400_000;
const MAX_ATTEMPTS = 3;
const KINDS = [0, 'apart', 'lone'] as const;

type Pulled = ModelClaim & { pulled: ModelPulled };

/** A worker outside asks for jobs. Before it gets any, what others would look after is seen to: due jobs, expiry, vacant turns. */
export class Pull extends Command {
  constructor(
    private readonly worker: number,
    private readonly hasLabel: boolean,
    private readonly limit: number,
  ) {
    super();
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const open = LANES.filter(
      (lane) => (this.hasLabel || lane !== 'labelled') && !model.paused.has(lane === 'fair'),
    );
    const asked = model.all
      .filter((job) => job.cancelRequested && (job.state === 'ready' || model.asksKey(job)))
      .map(({ id }) => id);
    const [worker, labels] = [`remote-${this.worker}`, this.hasLabel ? [LABEL] : []];
    const known = model.claimable(0, open);
    const request = {
      workerId: worker,
      queues: [QUEUE, FAIR_QUEUE],
      labels,
      leaseMs: A_DAY,
      limit: this.limit,
    };
    const { leaseId, jobs } = await real.remote.claim(request);
    const cancelled = await real.endedOf(asked);
    // Never old enough for others to come beside it, however busy the machine is.
    await real.query(
      `update simple_queue.lease set created_at = now() + interval '1 day' where id = $1`,
      [leaseId],
    );
    lookAround(model);
    await real.seePermits(model);
    // They have given it back with their end.
    for (const id of cancelled) model.jobs.get(id)!.state = 'ready';
    const taken = [...jobs.map(({ id }) => id), ...cancelled];
    this.expectFair(taken.map((id) => model.jobs.get(id)!), { open, known, model, worker }); // prettier-ignore
    model.claim(leaseId, leaseId, taken, { worker, open: new Set(taken), lapsed: false });
    if (taken.length > 0) model.liveLeases.add(leaseId);
    for (const id of cancelled)
      settled(model, model.pulled.at(-1)!, id, () => model.end(id, 'cancelled'));
    for (const job of jobs) expect(job.attempt).toBe(model.jobs.get(job.id)!.attempt + 1);
  }

  /** One way answers: all plain queues, suspects among them, or one lane of a fair queue. Nothing only where neither has anything. */
  private expectFair(taken: ModelJob[], { open, known, model, worker }: Asked): void {
    const held = heldBy(model, worker);
    const isAlone = held.some(isLone);
    const fair = isAlone ? [] : model.claimable(0, open).filter(isFair);
    if (taken.length > 0 && taken.every((job) => isFair(job) && job.suspicion === 0)) {
      expect(taken.length).toBeLessThanOrEqual(Math.min(this.limit, fair.length));
      return expect(taken.filter((job) => !fair.includes(job))).toEqual([]);
    }
    const waiting = KINDS.map((kind) =>
      model.claimable(kind, open).filter((job) => kind !== 0 || !isFair(job)),
    );
    expect(KINDS.map((kind) => taken.filter((job) => kindOf(job) === kind).length)).toEqual(
      isAlone ? [0, 0, 0] : this.shareOf(waiting, held.length === 0),
    );
    expect(waiting.flat()).toEqual(expect.arrayContaining(taken));
    // A lane whose first jobs have just come due is asked next time.
    if (taken.length === 0) expect(fair.filter((job) => known.includes(job))).toEqual([]);
  }

  /** A lone one: beside nothing that is new. Other suspects: half. */
  private shareOf([plain, apart, lone]: ModelJob[][], isFree: boolean): number[] {
    if (isFree && lone!.length > 0) return [0, 0, 1];
    const suspects = Math.min(apart!.length, Math.ceil(this.limit / 2));
    return [Math.min(plain!.length, this.limit - suspects), suspects, 0];
  }
}

interface Asked {
  open: ModelLane[];
  /** What could be claimed before the look. */
  known: ModelJob[];
  model: Model;
  worker: string;
}

const isFair = ({ lane }: ModelJob): boolean => lane === 'fair';

function heldBy(model: Model, worker: string): ModelJob[] {
  const own = model.pulled.filter(
    (claim) => claim.pulled.worker === worker && !claim.pulled.lapsed && isLive(model, claim),
  );
  return own.flatMap(({ pulled }) => [...pulled.open]).map((id) => model.jobs.get(id)!);
}

const isLive = (model: Model, { lease }: ModelClaim): boolean => model.liveLeases.has(lease);

function lookAround(model: Model): void {
  for (const job of model.all) if (job.due && !model.isLocked(job)) model.free(job);
  for (const job of model.all)
    if (job.overdue && !model.isLocked(job)) model.end(job.id, 'expired');
  // Also what an expiry has just left: it wakes who hands turns on.
  if (model.groups.vacant > 0) model.groups.handOn((group) => model.isGroupLocked(group));
}

function settled(model: Model, claim: Pulled, id: string, change: () => void): void {
  change();
  claim.pulled.open.delete(id);
  if (claim.pulled.open.size > 0) return;
  model.liveLeases.delete(claim.lease);
  model.claims = model.claims.filter((each) => each.id !== claim.id);
}

/** Of a pulled claim, also of one that is over: its worker may not know that. */
abstract class OfPulled extends Command {
  constructor(private readonly claim: number) {
    super();
  }

  protected override isPossible(model: Model): boolean {
    return model.pulled.length > 0;
  }

  protected work(model: Model, real: Real): Promise<void> {
    const [over, live] = [
      model.pulled.filter((each) => !isLive(model, each)),
      model.pulled.filter((each) => isLive(model, each)),
    ];
    return this.answer(pick([...over, ...live], this.claim), model, real);
  }

  protected abstract answer(claim: Pulled, model: Model, real: Real): Promise<void>;
}

type Way = 'complete' | 'fail' | 'give up' | 'release';

/** Who does not hold the job changes nothing, and learns why. */
export class Return extends OfPulled {
  constructor(
    claim: number,
    private readonly index: number,
    private readonly way: Way,
  ) {
    super(claim);
  }

  protected async answer(claim: Pulled, model: Model, real: Real): Promise<void> {
    const run = pick(claim.runs, this.index);
    const answer = await this.send(claim.lease, run.id, real.remote).catch(
      (error: { code: string }) => error.code,
    );
    const refusal = refusalOf(claim, run, model);
    if (refusal) return expect(answer).toBe(refusal);
    expect(model.holds(run)).toBe(true);
    settled(model, claim, run.id, () => expect(answer).toBe(this.settle(run, model)));
  }

  private async send(lease: string, id: string, remote: Real['remote']): Promise<string> {
    if (this.way === 'complete') return remote.complete(lease, id, 1).then(() => 'succeeded');
    if (this.way === 'release') return remote.release(lease, id);
    return remote.fail(lease, id, new Error('no'), { retryable: this.way === 'fail' });
  }

  private settle(run: ModelRun, model: Model): string {
    const { id, cancelRequested, attempt } = model.jobs.get(run.id)!;
    const isLast = this.way === 'give up' || (this.way === 'fail' && attempt + 1 >= MAX_ATTEMPTS);
    if (this.way === 'complete') return this.end(model, id, { spent: 1 }, 'succeeded');
    if (cancelRequested) return this.end(model, id, { spent: isLast ? 1 : 0 }, 'cancelled');
    if (isLast) return this.end(model, id, { spent: 1, turn: 'block' }, 'failed');
    const ran = this.way === 'fail';
    model.putBack(run, { spent: ran ? 1 : 0, rescheduled: 0, ran, delayed: false });
    return ran ? 'retried' : 'released';
  }

  private end(
    model: Model,
    id: string,
    how: Parameters<Model['end']>[2],
    state: 'succeeded' | 'cancelled' | 'failed',
  ): string {
    model.end(id, state, how);
    return state;
  }
}

function refusalOf({ lease, pulled }: Pulled, { id }: ModelRun, model: Model): string | undefined {
  if (model.liveLeases.has(lease)) return pulled.open.has(id) ? undefined : 'LEASE_FOREIGN';
  if (!pulled.had) return 'LEASE_UNKNOWN';
  return pulled.had.has(id) ? 'LEASE_LOST' : 'LEASE_FOREIGN';
}

function inOrder(answer: LeaseRenewal | string): LeaseRenewal | string {
  return typeof answer === 'string'
    ? answer
    : { lost: answer.lost.sort(), cancelled: answer.cancelled.sort() };
}

export class Renew extends OfPulled {
  protected async answer(claim: Pulled, model: Model, real: Real): Promise<void> {
    const answer = await real.remote
      .renewLease(claim.lease, A_DAY)
      .catch((error: { code: string }) => error.code);
    const { open, had } = claim.pulled;
    if (!isLive(model, claim)) return expect(answer).toBe(had ? 'LEASE_LOST' : 'LEASE_UNKNOWN');
    if (claim.pulled.lapsed) return expect(answer).toBe('LEASE_LOST');
    const asked = [...open].filter((id) => model.jobs.get(id)!.cancelRequested);
    expect(inOrder(answer)).toEqual({ lost: [], cancelled: asked.sort() });
  }
}

/** Its worker is silent for too long; until a reaper comes it may still come back. */
export class Lapse extends OfPulled {
  protected async answer(claim: Pulled, model: Model, real: Real): Promise<void> {
    await real.query(
      `update simple_queue.lease set expires_at = now() - interval '1 second' where id = $1`,
      [claim.lease],
    );
    claim.pulled.lapsed = isLive(model, claim);
  }
}

export class ReapLapsed extends Command {
  protected async work(model: Model, real: Real): Promise<void> {
    const lapsed = model.pulled.filter((claim) => claim.pulled.lapsed && isLive(model, claim));
    expect(await real.remote.reapExpiredLeases()).toMatchObject({ leases: lapsed.length });
    for (const { lease, pulled } of lapsed) {
      pulled.had = new Set(pulled.open);
      model.liveLeases.delete(lease);
    }
    model.reap('block');
  }
}
