import fc from '../support/properties.js';
import type { WorkflowState } from '../../lib/job/workflow.js';

export interface Declared {
  jobs: number;
  after: number[];
  when: 'succeeded' | 'failed' | 'ended';
  saga: boolean;
  /** Its jobs are of an ordered group: they begin by the duty. */
  held: boolean;
}

/** A job of a stage, or what undoes it. */
export interface Place {
  stage: number;
  item: number;
  undoes?: boolean;
}

type Stop = 'cancelled' | 'abandoned' | 'expired';

interface Stage extends Declared {
  is: 'waiting' | 'begun' | 'skipped';
  /** By job; undefined: open. */
  ends: (boolean | undefined)[];
}

const stage = fc.record({
  jobs: fc.constantFrom(1, 1, 1, 2, 3, 0),
  before: fc.array(fc.nat(6), { maxLength: 3 }),
  when: fc.constantFrom('succeeded', 'succeeded', 'failed', 'ended'),
  saga: fc.constantFrom(false, false, true),
  held: fc.constantFrom(false, false, false, true),
});

/** Any graph of at most seven stages: each may wait for those before it. A held one has one job, since those of a group run in turn. */
export const anyFlow = fc.array(stage, { minLength: 1, maxLength: 7, size: 'max' }).map((stages) =>
  stages.map(({ before, jobs, ...rest }, n): Declared => ({
    ...rest,
    jobs: rest.held ? Math.min(1, jobs) : jobs,
    after: n === 0 ? [] : [...new Set(before.map((index) => index % n))].toSorted(),
  })),
);

/** What the guide says of a workflow; no SQL. */
export class FlowModel {
  private readonly stages: Stage[];
  private attempt = 1;
  private stop: Stop | undefined;
  private state: WorkflowState = 'running';
  /** What has completed and can be undone, in that order. */
  private undo: Place[] = [];
  private compensated = 0;

  constructor(declared: readonly Declared[]) {
    this.stages = declared.map((each) => ({ ...each, is: each.after.length === 0 ? 'begun' : 'waiting', ends: Array.from({ length: each.jobs }, () => undefined) })); // prettier-ignore
    this.moveOn();
  }

  live(): Place[] {
    if (this.state === 'compensating') return [{ ...this.undo.at(-1)!, undoes: true }];
    return this.stages.flatMap(({ is, ends }, stage) =>
      is === 'begun'
        ? ends.flatMap((end, item) => (end === undefined ? [{ stage, item }] : []))
        : [],
    );
  }

  end(places: readonly Place[], isGood: boolean): void {
    if (this.state === 'compensating') return this.undone(isGood);
    for (const { stage, item } of places) {
      this.stages[stage]!.ends[item] = isGood;
      if (isGood && this.stages[stage]!.saga) this.undo.push({ stage, item });
    }
    this.moveOn();
  }

  /** What a worker may have at once. */
  claimable(): Place[] {
    return this.state === 'running'
      ? this.live().filter(({ stage }) => !this.stages[stage]!.held)
      : [];
  }

  /** Answers whether it stops; `late` run, and may end otherwise. */
  stopFor(why: Stop, late: readonly Place[]): boolean {
    if (this.state === 'running') {
      this.stop = why;
      const isLate = (n: number, at: number) => late.some(({ stage, item }) => stage === n && item === at); // prettier-ignore
      for (const [n, each] of this.stages.entries())
        if (each.is === 'begun') each.ends = each.ends.map((end, item) => end ?? (isLate(n, item) ? undefined : false)); // prettier-ignore
      this.moveOn();
      return true;
    }
    if (why !== 'abandoned' || (this.state !== 'compensating' && this.state !== 'stuck')) return false; // prettier-ignore
    this.stop = 'abandoned';
    if (this.state === 'compensating') this.lost = true;
    this.state = 'cancelled';
    return true;
  }

  /** The number of the next attempt; undefined: it is refused. */
  retry(): number | undefined {
    if (this.state === 'stuck') this.state = 'compensating';
    else {
      if ((this.state !== 'failed' && this.state !== 'cancelled') || this.compensated > 0 || this.lost) return undefined; // prettier-ignore
      this.stop = undefined;
      const again = this.stages.map(({ is, ends }) => is === 'skipped' || ends.includes(false));
      for (const [n, each] of this.stages.entries()) {
        if (again[n] && each.after.some((before) => again[before])) each.is = 'waiting';
        each.ends = each.ends.map((end) => (end === true ? true : undefined));
        if (each.is === 'skipped') each.is = each.after.length === 0 ? 'begun' : 'waiting';
      }
      this.state = 'running';
      this.moveOn();
    }
    return ++this.attempt;
  }

  shown(): object {
    const steps = this.stages.map(({ is, ends }) => {
      const failed = ends.filter((end) => end === false).length;
      if (is !== 'begun') return [is, is === 'skipped' ? ends.length : 0, 0];
      const done = ends.filter((end) => end !== undefined).length;
      const state = done < ends.length ? 'running' : failed > 0 ? 'cancelled' : 'succeeded';
      return [state, done, failed];
    });
    return { state: this.state, attempt: this.attempt, steps };
  }

  /** A compensation was cancelled by giving the rest up: it counts as one. */
  private lost = false;

  private isComplete({ is, ends }: Stage): boolean {
    return is === 'skipped' || (is === 'begun' && ends.every((end) => end !== undefined));
  }

  private holds({ is, ends }: Stage, when: Declared['when']): boolean {
    if (when === 'ended') return true;
    return is !== 'skipped' && ends.includes(false) === (when === 'failed');
  }

  private moveOn(): void {
    for (let moved = true; moved;) {
      moved = false;
      for (const each of this.stages.filter(({ is }) => is === 'waiting')) {
        const before = each.after.map((n) => this.stages[n]!);
        const isBroken = before.some((one) => this.isComplete(one) && !this.holds(one, each.when));
        if (this.stop || isBroken) each.is = 'skipped';
        else if (before.every((one) => this.isComplete(one))) each.is = 'begun';
        moved ||= each.is !== 'waiting';
      }
    }
    if (this.stages.every((each) => this.isComplete(each))) this.finish();
  }

  private finish(): void {
    const hasFailed = this.stages.some(({ ends, is }) => is === 'begun' && ends.includes(false));
    this.state = this.stop && this.stop !== 'expired' ? 'cancelled' : this.stop || hasFailed ? 'failed' : 'succeeded'; // prettier-ignore
    if (this.state === 'succeeded' || this.stop === 'abandoned' || this.undo.length === 0) return;
    this.state = 'compensating';
  }

  private undone(isGood: boolean): void {
    this.compensated++;
    if (!isGood) this.state = 'stuck';
    else {
      this.undo.pop();
      if (this.undo.length === 0) this.state = 'compensated';
    }
  }
}
