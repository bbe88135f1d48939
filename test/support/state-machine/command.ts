import type fc from 'fast-check';
import type { JobOptions } from '../../../lib/job/enqueue-options.js';
import { isTerminal } from '../../../lib/job/job-state.js';
import type { Success } from '../../../lib/storage/settle/ended-run.js';
import type { Model, ModelItem, ModelJob, ModelRun } from './model.js';
import type { Real } from './real.js';

export const AN_HOUR = 3_600_000;
/** What a worker must have for the jobs of one lane. */
export const LABEL = 'gpu';

/**
 * What may happen to jobs, in any order. To add something: a class whose `work` does it to both sides and compares the answers, and a line in
 * `commands()`. Numbers in a command choose among what there is, so that shrinking keeps it meaningful.
 */
export abstract class Command implements fc.AsyncCommand<Model, Real> {
  check(model: Readonly<Model>): boolean {
    return this.isPossible(model as Model);
  }

  async run(model: Model, real: Real): Promise<void> {
    model.steps++;
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

/** Of a run that holds its job, or of one that has lost it. */
export abstract class OfRun extends Command {
  constructor(protected readonly index: number) {
    super();
  }

  protected override isPossible(model: Model): boolean {
    return model.answerable.length > 0;
  }

  protected work(model: Model, real: Real): Promise<void> {
    return this.answer(pick(model.answerable, this.index), model, real);
  }

  protected abstract answer(run: ModelRun, model: Model, real: Real): Promise<void>;
}

/** Of a job that no open transaction holds: whoever wants that one would wait for it. */
export abstract class OfJob extends Command {
  constructor(protected readonly index: number) {
    super();
  }

  protected override isPossible(model: Model): boolean {
    return model.all.some((job) => !model.isLocked(job));
  }

  protected work(model: Model, real: Real): Promise<void> {
    const free = model.all.filter((job) => !model.isLocked(job));
    const [likely, others] = [
      free.filter((job) => this.isLikely(job)),
      free.filter((job) => !this.isLikely(job)),
    ];
    return this.change(pick([...others, ...likely], this.index), model, real);
  }

  /** What small numbers choose among. */
  protected isLikely({ state }: ModelJob): boolean {
    return !isTerminal(state);
  }

  protected abstract change(job: ModelJob, model: Model, real: Real): Promise<void>;
}

/** From the end: small numbers are frequent, and so is what happened lately. */
export const pick = <T>(list: readonly T[], index: number): T =>
  list[list.length - 1 - (index % list.length)]!;

/** Some of these runs, at most one of a job: so much the worker sees to before it settles. */
export function some(runs: readonly ModelRun[], indices: readonly number[]): ModelRun[] {
  if (runs.length === 0) return [];
  return [
    ...new Map(indices.map((index) => pick(runs, index)).map((run) => [run.id, run])).values(),
  ];
}

export const successOf = ({ id, epoch }: Pick<ModelRun, 'id' | 'epoch'>): Success => ({
  id,
  epoch,
  runMs: 1,
  keepMs: AN_HOUR,
  output: '1',
});

/** What a caller gives. */
export function given(item: ModelItem): JobOptions & { payload: unknown } {
  const { priority, uniqueKey, delayed, group, staged, fair, labelled, tag, tenant } = item;
  const ordered = group === undefined ? { group: fair || undefined } : { group, ordered: true };
  const urgency = group === undefined && priority !== undefined ? { priority } : {};
  return {
    payload: { delayed, tenant },
    uniqueKey,
    ...urgency,
    ...ordered,
    fingerprint: tag,
    delayMs: delayed ? AN_HOUR : undefined,
    ...(labelled ? { labels: [LABEL] } : {}),
    ...(staged ? { staged } : {}),
  };
}

/** Somebody's open transaction holds what its insert would need. */
export function waitsForOthers({ group, uniqueKey }: ModelItem, model: Model): boolean {
  const holder = uniqueKey === undefined ? undefined : model.live(uniqueKey);
  return model.isGroupLocked(group) || (holder !== undefined && model.isLocked(holder));
}
