import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import type { InTransaction } from '../../../lib/job/enqueue-options.js';
import type { ClaimedRow } from '../../../lib/storage/claim/row-mapper.js';
import type { FollowerWish } from '../../../lib/storage/groups/followers.js';
import { Command, given, OfJob, pick, some, successOf } from './command.js';
import type { Model, ModelItem, ModelJob, ModelRun } from './model.js';
import { KEEP, QUEUE, type Real } from './real.js';

const MAX_OPEN = 3;
const AHEAD = 2;

/** Successes of ordered jobs, and what their groups go on with: where a worker follows, it has the next jobs by the same commit. */
export class SettleOrdered extends Command {
  constructor(
    private readonly indices: number[],
    private readonly follower: number | undefined,
  ) {
    super();
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const runs = some(model.runsOf({ ordered: true }), this.indices);
    if (runs.length === 0) return;
    const lost = runs.filter((run) => !model.holds(run)).map(({ id }) => id);
    const before = model.groups.vacant;
    const turned = whatIsBlocked(model);

    const followers = this.wish(runs, real);

    const { lanes, later, vacant, claimed, ...answer } = await real.storage.groups.settle(
      'worker',
      runs.map(successOf),
      { followers },
    );

    for (const run of runs)
      if (model.holds(run))
        model.end(run.id, 'succeeded', { spent: 1, turn: this.turnOf(run, model, real) });
    expect(answer.lost.sort()).toEqual(lost.sort());
    expect({ later, vacant }).toEqual({
      later: turned('scheduled').length,
      vacant: model.groups.vacant - before,
    });
    const ready = turned('ready').filter(({ suspicion }) => suspicion === 0);
    const followed = followers ? ready.map(({ id }) => id) : [];
    expect(claimed.map(({ id }) => id).sort()).toEqual(followed.sort());
    if (followers) model.claim(followers.claimId, followers.lease, followed);
    for (const row of claimed) real.ahead.set(row.id, row.next);
    expect(lanes).toEqual(ready.length > followed.length ? [real.lanes.plain.id] : []);
  }

  private wish(runs: ModelRun[], real: Real): FollowerWish | undefined {
    if (this.follower === undefined) return undefined;
    const { lease } = pick(real.workers, this.follower);
    const { id, queueId } = real.lanes.plain;
    const following = runs.map((run) => ({
      next: this.knownOf(run, real),
      queue: queueId,
      ahead: AHEAD,
    }));
    return { claimId: randomUUID(), lease, lanes: [id], following };
  }

  /** What was read ahead and is not the next one any more leaves the turn vacant. */
  private turnOf(run: ModelRun, model: Model, real: Real): 'pass' | 'skip' {
    const known = this.knownOf(run, real);
    return known && !model.groups.isNext(run.id, known) ? 'skip' : 'pass';
  }

  private knownOf({ id, epoch }: ModelRun, real: Real): ClaimedRow | undefined {
    return this.follower !== undefined && epoch === 0 ? real.ahead.get(id) : undefined;
  }
}

/** What was blocked now and is in this state then. */
function whatIsBlocked(model: Model): (state: ModelJob['state']) => ModelJob[] {
  const blocked = model.all.filter(({ state }) => state === 'blocked');
  return (state) => blocked.filter((job) => job.state === state);
}

export class HandOn extends Command {
  protected async work(model: Model, real: Real): Promise<void> {
    const [before, turned] = [model.groups.vacant, whatIsBlocked(model)];
    const inLine = model.all.filter((job) => model.groups.waits(job));
    const { lanes, later, dealt } = await real.storage.groups.handOn();
    model.groups.handOn((group) => model.isGroupLocked(group));
    expect({ later, dealt }).toEqual({
      later: turned('scheduled').length + inLine.filter((job) => model.asksKey(job)).length,
      dealt: before - model.groups.vacant,
    });
    expect(lanes).toEqual(turned('ready').length > 0 ? [real.lanes.plain.id] : []);
  }
}

export class ReleaseGroup extends Command {
  constructor(private readonly group: string) {
    super();
  }

  protected async work(model: Model, real: Real): Promise<void> {
    expect(await real.admin.releaseGroup(QUEUE, this.group)).toBe(
      model.groups.release(this.group)?.id,
    );
  }
}

/** Staged jobs whose time is over, but for those that somebody decides on right now. */
export class Expire extends Command {
  protected async work(model: Model, real: Real): Promise<void> {
    const over = model.all.filter((job) => job.overdue && !model.isLocked(job));
    expect(await real.storage.staged.expire(KEEP.deadLetter)).toEqual({
      due: over.length,
      expired: over.length,
    });
    for (const job of over) model.end(job.id, 'expired');
  }
}

type Way = 'commit' | 'abort';
const WON = { commit: 'committed', abort: 'aborted' };

/** Of commit, abort and expiry one wins, and each learns which. */
export class Decide extends OfJob {
  constructor(
    index: number,
    private readonly way: Way,
  ) {
    super(index);
  }

  protected override isLikely({ state }: ModelJob): boolean {
    return state === 'staged';
  }

  protected async change(job: ModelJob, model: Model, real: Real): Promise<void> {
    const answer = await real.queues[this.way](job.id);
    const won = job.state === 'staged' && !job.overdue;
    const outcome = won ? WON[this.way] : outcomeOf(job);
    if (won) decide(this.way, job, model);
    expect(answer).toEqual({ outcome, won, state: job.state });
  }
}

function decide(way: Way, job: ModelJob, model: Model): void {
  if (way === 'commit') model.commit(job);
  else model.end(job.id, 'cancelled');
}

function outcomeOf({ state }: ModelJob): string {
  if (state === 'staged' || state === 'expired') return 'expired';
  return state === 'cancelled' ? 'aborted' : 'committed';
}

abstract class Begin extends Command {
  protected override isPossible(model: Model): boolean {
    return model.transactions.length < MAX_OPEN;
  }
}

/** A producer that takes its time: nobody else enqueues to its groups, everybody else goes on, and its jobs come late. */
export class BeginEnqueue extends Begin {
  constructor(private readonly items: ModelItem[]) {
    super();
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const items = this.items.filter(({ group }) => !model.isGroupLocked(group));
    if (items.length === 0) return;
    const { halted } = model.groups;
    const answers = await real.queues.enqueueMany(QUEUE, items.map(given), {
      manager: await real.begin(),
    });
    const groups = new Set(items.flatMap(({ group }) => group ?? []));
    model.transactions.push({
      groups,
      commit: () => answers.forEach(({ id }, n) => model.add(id, items[n]!, halted)),
    });
  }
}

/** Somebody who decides on a waiting job and takes the time to commit that: nobody else touches the job, and nobody overtakes it. */
export class BeginDecision extends Begin {
  constructor(
    private readonly index: number,
    private readonly way: 'cancel' | Way,
  ) {
    super();
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const waiting = model.all.filter((job) => this.isOpen(job) && !model.isLocked(job));
    if (waiting.length === 0) return;
    const job = pick(waiting, this.index);
    await this.send(job, real, { manager: await real.begin() });
    const commit = () => decide(this.way === 'commit' ? 'commit' : 'abort', job, model);
    model.transactions.push({ groups: new Set(), job, commit });
  }

  private isOpen({ state, overdue }: ModelJob): boolean {
    if (state === 'staged') return this.way === 'cancel' || !overdue;
    return this.way === 'cancel' && ['blocked', 'ready', 'scheduled'].includes(state);
  }

  private async send({ id }: ModelJob, real: Real, within: InTransaction): Promise<void> {
    if (this.way === 'cancel')
      expect(await real.queues.cancel({ id }, within)).toEqual({ cancelled: 1, requested: 0 });
    else expect(await real.queues[this.way](id, within)).toMatchObject({ won: true });
  }
}

export class End extends Command {
  constructor(
    private readonly index: number,
    private readonly commits: boolean,
  ) {
    super();
  }

  protected override isPossible(model: Model): boolean {
    return model.transactions.length > 0;
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const at = this.index % model.transactions.length;
    const [transaction] = model.transactions.splice(at, 1);
    await real.end(real.transactions.splice(at, 1)[0]!, this.commits);
    if (this.commits) transaction!.commit();
  }
}
