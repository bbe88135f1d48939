import { isTerminal } from '../../../lib/job/job-state.js';
import type { OnDeadJob } from '../../../lib/job/job-state.js';
import type { ModelJob } from './model.js';

interface ModelGroup {
  /** A live job that does not wait for its turn. */
  holder?: ModelJob;
  dead?: { job: ModelJob; halts: boolean };
  /** In the order of the commits. */
  line: ModelJob[];
}

interface Surroundings {
  isLocked(job: ModelJob): boolean;
  onTurn(job: ModelJob): void;
}

/** Turns of ordered groups as documented: each is held by a live job, by a dead one, or by nobody until the turn duty hands it on. */
export class ModelGroups {
  private readonly active = new Map<string, ModelGroup>();
  /** Every job of a group that ever was, in the order of the commits. */
  private readonly everybody = new Map<string, ModelJob[]>();

  constructor(private readonly around: Surroundings) {}

  clear(): void {
    this.active.clear();
    this.everybody.clear();
  }

  get halted(): boolean {
    return [...this.active.values()].some(({ dead }) => dead?.halts);
  }

  join(job: ModelJob, halted: boolean): void {
    if (job.group === undefined) return;
    this.everybody.set(job.group, [...(this.everybody.get(job.group) ?? []), job]);
    const group = this.active.get(job.group);
    if (group) group.line.push(job);
    else this.active.set(job.group, halted ? { line: [job] } : { holder: job, line: [] });
  }

  /** A dead job has its turn again; whoever has no place any more stands last. */
  rejoin(job: ModelJob, halted: boolean): void {
    if (job.group === undefined) return;
    const group = this.active.get(job.group);
    if (group?.dead?.job === job)
      return void Object.assign(group, { dead: undefined, holder: job });
    this.everybody.set(job.group, this.everybody.get(job.group)!.filter((each) => each !== job)); // prettier-ignore
    this.join(job, halted);
  }

  waits(job: ModelJob): boolean {
    return this.active.get(job.group ?? '')?.line.includes(job) ?? false;
  }

  leave(job: ModelJob, turn: OnDeadJob | 'pass'): void {
    const group = this.active.get(job.group ?? '');
    if (!group) return;
    group.line = group.line.filter((each) => each !== job);
    if (group.holder !== job) return;
    group.holder = undefined;
    if (turn === 'block' || turn === 'halt') group.dead = { job, halts: turn === 'halt' };
    if (turn === 'pass' && !this.halted) this.takeTurn(group);
  }

  /** The turn duty: groups whose lock is taken by a producer wait. */
  handOn(isLocked: (group: string) => boolean): void {
    if (this.halted) return;
    for (const [name, group] of this.active) {
      if (group.holder || group.dead || isLocked(name)) continue;
      if (group.line.length === 0) this.active.delete(name);
      else this.takeTurn(group);
    }
  }

  /** Is it the first in line behind the job that has the turn? */
  isNext(holder: string, next: Pick<ModelJob, 'id' | 'epoch'>): boolean {
    const group = [...this.active.values()].find((each) => each.holder?.id === holder);
    return group?.line[0]?.id === next.id && group.line[0].epoch === next.epoch;
  }

  isDeadJob(job: ModelJob): boolean {
    return this.active.get(job.group ?? '')?.dead?.job === job;
  }

  /** The dead job behind which the group goes on. */
  release(name: string): ModelJob | undefined {
    const group = this.active.get(name);
    const dead = group?.dead?.job;
    if (group) group.dead = undefined;
    return dead;
  }

  get vacant(): number {
    return [...this.active.values()].filter(({ holder, dead }) => !holder && !dead).length;
  }

  /** I6: a job starts when every one before it has ended. */
  expectInOrder(job: ModelJob): void {
    const all = this.everybody.get(job.group ?? '') ?? [];
    const before = all.slice(0, all.indexOf(job)).filter(({ state }) => !isTerminal(state));
    if (before.length > 0)
      throw new Error(
        `Job ${job.id} starts before ${before.map(({ id }) => id).join()}, which stand before it.`,
      );
  }

  /** Nobody overtakes a job that somebody holds locked. */
  private takeTurn(group: ModelGroup): void {
    const [next] = group.line;
    if (!next || this.around.isLocked(next)) return;
    group.line.shift();
    group.holder = next;
    this.around.onTurn(next);
  }
}
