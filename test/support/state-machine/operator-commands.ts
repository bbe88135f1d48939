import { expect } from '@jest/globals';
import type { CancelSelector, OnConflict } from '../../../lib/job/enqueue-options.js';
import { FAILED_STATES, isTerminal } from '../../../lib/job/job-state.js';
import { AN_HOUR, Command, given, OfJob } from './command.js';
import type { Model, ModelItem, ModelJob } from './model.js';
import { FAIR_QUEUE, QUEUE, type Real } from './real.js';

const isHungry = ({ state }: ModelJob): boolean =>
  ['staged', 'blocked', 'ready', 'scheduled'].includes(state);

/** An enqueue that may change the job of its key. */
export class EnqueueKeyed extends Command {
  constructor(
    private readonly item: ModelItem & { uniqueKey: string },
    private readonly onConflict: Exclude<OnConflict, 'ignore'>,
  ) {
    super();
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const { uniqueKey } = this.item;
    const holder = model.live(uniqueKey);
    if (holder && model.isLocked(holder)) return;
    const item = { ...this.item, delayed: this.onConflict === 'debounce' || this.item.delayed };
    const { payload, delayMs, ...options } = given(item);
    const rest = this.onConflict === 'replace' ? { delayMs } : { periodMs: AN_HOUR };
    const delay = this.onConflict === 'throttle' ? { delayMs } : {};
    const answer = await real.queues.enqueue(QUEUE, payload, {
      ...options,
      ...rest,
      ...delay,
      onConflict: this.onConflict,
    });
    const known =
      this.onConflict === 'throttle'
        ? this.throttled(model, holder)
        : this.replaced(item, model, holder);
    expect(answer).toEqual(
      known ? { ...known, created: false } : { id: answer.id, created: true, outcome: 'created' },
    );
    // What was read ahead of a blocked job is not claimed any more.
    if (known && holder) holder.epoch = await real.epochOf(holder.id);
    if (known) return;
    model.add(answer.id, item);
    if (this.onConflict === 'throttle') model.periods.set(uniqueKey, answer.id);
  }

  private throttled(model: Model, holder?: ModelJob): { id: string; outcome: string } | undefined {
    const opener = model.periods.get(this.item.uniqueKey);
    if (opener) return { id: opener, outcome: 'throttled' };
    return holder && { id: holder.id, outcome: 'existing' };
  }

  /** What runs is left alone; what holds a place that others count on has other contents there, if they are for the same handler. */
  private replaced(
    item: ModelItem,
    model: Model,
    holder?: ModelJob,
  ): { id: string; outcome: string } | undefined {
    if (!holder) return undefined;
    const { id, group, fair, state, lane } = holder;
    if (!isHungry(holder)) return { id, outcome: 'running' };
    if (group !== undefined || fair !== undefined || state === 'staged') {
      if (lane !== 'plain') return { id, outcome: 'existing' };
      const isFree = state === 'ready' || model.asksKey(holder);
      holder.tenant = item.tenant;
      if (isFree) model.free(holder);
      return { id, outcome: 'replaced' };
    }
    model.replace(holder, item);
    return { id, outcome: this.onConflict === 'debounce' ? 'postponed' : 'replaced' };
  }
}

/** Of all throttled keys. */
export class PeriodsEnd extends Command {
  protected async work(model: Model, real: Real): Promise<void> {
    await real.query(`update simple_queue.throttle set ends_at = now() - interval '1 second'`);
    model.periods.clear();
  }
}

/** All that one word says, whatever state they are in. */
export class CancelMany extends Command {
  constructor(private readonly selector: CancelSelector) {
    super();
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const { fingerprint, uniqueKey, group, queue } = this.selector;
    const asks = (job: ModelJob): boolean => {
      if (queue !== undefined && (job.lane === 'fair') !== (queue === FAIR_QUEUE)) return false;
      if (fingerprint !== undefined) return job.tag === fingerprint;
      return uniqueKey !== undefined
        ? job.uniqueKey === uniqueKey
        : (job.group ?? job.fair) === group;
    };
    const all = model.all.filter(
      (job) => asks(job) && !isTerminal(job.state) && !job.cancelRequested,
    );
    if (all.some((job) => model.isLocked(job))) return;
    const [waiting, running] = [
      all.filter(isHungry),
      all.filter(({ state }) => state === 'running'),
    ];
    expect(await real.queues.cancel(this.selector)).toEqual({
      cancelled: waiting.length,
      requested: running.length,
    });
    for (const { id } of waiting) model.end(id, 'cancelled');
    for (const job of running) job.cancelRequested = true;
  }
}

/** Revives what has ended, promotes what waits for its time. */
export class Retry extends OfJob {
  protected override isLikely({ state }: ModelJob): boolean {
    return isTerminal(state) || state === 'scheduled';
  }

  protected async change(job: ModelJob, model: Model, real: Real): Promise<void> {
    const rival =
      isTerminal(job.state) && job.uniqueKey !== undefined ? model.live(job.uniqueKey) : undefined;
    if (model.isGroupLocked(job.group) || (rival && model.isLocked(rival))) return;
    const answer = await real.admin.retry(job.id).then(({ outcome }) => outcome, ({ code }) => code as string); // prettier-ignore
    expect(answer).toBe(answerOf(job, rival));
    if (answer === 'revived') model.revive(job, { epoch: await real.epochOf(job.id) });
    if (answer === 'promoted') model.free(job);
  }
}

function answerOf({ state }: ModelJob, rival?: ModelJob): string {
  if (rival) return 'UNIQUE_KEY_TAKEN';
  if (isTerminal(state)) return 'revived';
  const answers: Record<string, string> = {
    scheduled: 'promoted',
    ready: 'ready',
    running: 'JOB_RUNNING',
  };
  return answers[state] ?? 'JOB_HELD';
}

/** What ended is forgotten, and a caller gives its id again: runs of its first life may still answer. */
export class UseAgain extends OfJob {
  constructor(
    index: number,
    private readonly item: ModelItem,
    private readonly queue = QUEUE,
  ) {
    super(index);
  }

  protected override isLikely({ state }: ModelJob): boolean {
    return isTerminal(state);
  }

  protected async change({ id, state }: ModelJob, model: Model, real: Real): Promise<void> {
    const { group, uniqueKey } = this.item;
    if (
      !isTerminal(state) ||
      model.groups.isDeadJob(model.jobs.get(id)!) ||
      model.isGroupLocked(group)
    )
      return;
    if (uniqueKey !== undefined && model.live(uniqueKey)) return;
    const { payload, ...options } = given(this.item);
    const known = await real.queues.enqueue(this.queue, payload, { ...options, id });
    expect(known).toEqual({ id, created: false, outcome: 'existing' });
    expect(await real.storage.revivals.purgeEnded([id], [state])).toBe(1);
    const answer = await real.queues.enqueue(this.queue, payload, { ...options, id });
    expect(answer).toEqual({ id, created: true, outcome: 'created' });
    model.add(id, this.item);
    model.jobs.get(id)!.epoch = await real.epochOf(id);
  }
}

/** Everything in the dead letter queue, in the order of the ends; of several with one key the first by id. */
export class Redrive extends Command {
  constructor(private readonly fair: boolean) {
    super();
  }

  protected override isPossible(model: Model): boolean {
    return model.transactions.length === 0;
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const dead = model.all.filter(
      ({ state, lane }) => isDead(state) && (lane === 'fair') === this.fair,
    );
    const coming = dead
      .filter((job) => comesIn(job, dead, model))
      .sort((a, b) => a.ended - b.ended || (a.id < b.id ? -1 : 1));
    const counts = await real.admin.redrive({ queue: this.fair ? FAIR_QUEUE : QUEUE });
    expect(counts).toEqual({
      revived: coming.length,
      keyTaken: dead.length - coming.length,
      gone: 0,
    });
    const { halted } = model.groups;
    for (const job of coming) model.revive(job, { epoch: await real.epochOf(job.id), halted });
  }
}

/** What expired waits for a word of its own. */
const isDead = (state: ModelJob['state']): boolean => FAILED_STATES.some((each) => each === state);

function comesIn(job: ModelJob, dead: ModelJob[], model: Model): boolean {
  if (job.uniqueKey === undefined) return true;
  const isFirst = dead.every((other) => other.uniqueKey !== job.uniqueKey || job.id <= other.id);
  return isFirst && !model.live(job.uniqueKey);
}

/** Nobody outside claims from a paused queue; workers here learn of it with their promotion. */
export class Pause extends Command {
  constructor(
    private readonly fair: boolean,
    private readonly pauses: boolean,
  ) {
    super();
  }

  protected async work(model: Model, real: Real): Promise<void> {
    const queue = this.fair ? FAIR_QUEUE : QUEUE;
    await (this.pauses ? real.admin.pause(queue) : real.admin.resume(queue));
    if (this.pauses) model.paused.add(this.fair);
    else model.paused.delete(this.fair);
  }
}

/**
 * The janitor takes every lane for unused; those of no job go, and come back under other numbers, as where tables are emptied. Nobody tells
 * the process that enqueues.
 */
export class LanesVanish extends Command {
  protected async work(model: Model, real: Real): Promise<void> {
    await real.query('update simple_queue.lane set unused_at = clock_timestamp()');
    // An open transaction may hold jobs that only it sees.
    if (model.transactions.length === 0)
      await real.query(
        `update simple_queue.lane l set id = id % 2000000000 + 1, unused_at = null
         where not exists (select from simple_queue.job where lane = l.id) and not exists (select from simple_queue.archive where lane = l.id)
           and not exists (select from simple_queue.dead_letter where lane = l.id)`,
      );
    await real.findLanes();
  }
}
