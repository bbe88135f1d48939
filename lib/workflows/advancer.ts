import type { CancelCounts } from '../job/enqueue-options.js';
import { failureOf } from '../job/failure.js';
import type { QueueEventBus } from '../observability/events.js';
import { QueuePolicies, type Retention } from '../options/queue-policy.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import type { Run } from '../storage/connection/database.js';
import { ENDED, wakeUpOfCancel } from '../storage/wake-ups/wake-up.js';
import type { Signals } from '../storage/wake-ups/signals.js';
import type { Storage } from '../storage/storage.js';
import type { Adding } from '../storage/workflows/adding.repository.js';
import { Adder } from './adder.js';
import type { Beginning, Stopping } from '../storage/workflows/workflow.repository.js';
import type { Moved } from '../storage/workflows/rows.js';
import { Compensator } from './compensator.js';
import { Dependents } from './dependents.js';
import { isLocked, isRefusal, Passed, Stopped, unlessPassed, type Looked, type Page } from './left-over.js'; // prettier-ignore

interface AdvancerSite {
  storage: Storage;
  options: ResolvedOptions;
  events: QueueEventBus;
}

/** What somebody holds locked, and jobs of others, are looked at again: soon, then more and more rarely, and in a fifth of the time at most. */
const FIRST_REST_MS = 5;
const MAX_REST_MS = 500;
const RESTS_PER_LOOK = 4;
/** Stages and stops that one round takes up. */
const MAX_PAGE = 100;
const FIRST = '0';
const NONE = { ended: 0, more: false };
/** Kinds of arrivals that a look leaves: what waits for jobs of others, which are asked again and again, and ends for workflows that others hold. */
const LEFT = ['wait', 'depend', 'end', 'skip'];
/** Kinds from which those of other kinds follow, in the same round. */
const WITH_OTHERS = ['end', 'skip', 'add', 'stop'];

/** Notifies whom it concerns that workflows have moved on: workers of jobs that are ready, and the listeners of this process. */
export function tellMoved(
  { lanes, later, ended }: Moved,
  signals: Pick<Signals, 'send'>,
  events: QueueEventBus,
): void {
  if (lanes.length > 0 || later > 0) signals.send({ lanes, later: later > 0 });
  for (const end of ended) events.emit('workflowEnded', () => end);
}

/**
 * Moves workflows on where the statement that ended a step could not: what failed or was cancelled, what ended in somebody's transaction,
 * stages whose jobs need locks, workflows that are to stop. All of it is in rows, so any process may do it at any time.
 */
export class Advancer {
  private restMs = FIRST_REST_MS;
  /** Of the last look at all that waits for jobs of others, or of the one that is under way. */
  private lookMs = 0;
  /** Looks that are under way. */
  private readonly more = { arrivals: false, awaited: false };
  private readonly beginning = { after: FIRST };
  private readonly stopping = { after: FIRST };
  private readonly undoing = { after: FIRST };
  private readonly adding = { after: FIRST };
  private readonly adder: Adder;
  private readonly archive: Retention;
  private readonly compensator: Compensator;
  private readonly dependents: Dependents;

  constructor(private readonly site: AdvancerSite) {
    this.archive = new QueuePolicies(site.options).byQueue('archiveKeepMs');
    const { storage, events } = site;
    this.compensator = new Compensator({ storage, events, tell: (moved) => this.tell(moved) });
    this.adder = new Adder(site.storage, site.options);
    this.dependents = new Dependents(site);
  }

  async round(): Promise<number> {
    const { workflows } = this.site.storage;
    const { kinds } = await workflows.stopExpired();
    const ended = await this.lookAtOthers(kinds);
    const follows = this.more.arrivals || kinds.some((kind) => WITH_OTHERS.includes(kind));
    const taken = follows ? await this.takeArrivals() : 0;
    const pages = await this.pages((kind) => follows || kinds.includes(kind));
    if (ended + taken > 0 || pages.some(({ moved }) => moved)) return this.again();
    if (this.isUnderWay(kinds)) return FIRST_REST_MS;
    return kinds.some((kind) => LEFT.includes(kind)) || pages.some(({ locked }) => locked)
      ? this.later()
      : this.done();
  }

  private async takeArrivals(): Promise<number> {
    const { moved, more } = await this.site.storage.workflows.arrivals.take();
    this.more.arrivals = more;
    for (const each of moved) this.tell(each);
    return moved.length;
  }

  /** At jobs that know nothing of it; how many that waited for them go on. */
  private async lookAtOthers(kinds: string[]): Promise<number> {
    const startedAt = performance.now();
    if (!this.isUnderWay(kinds)) this.lookMs = 0;
    const { awaited } = this.site.storage.workflows;
    const { ended, more } = kinds.includes('wait') ? await awaited.take() : NONE;
    this.more.awaited = more;
    const decided = kinds.includes('depend') ? await this.dependents.round() : 0;
    this.lookMs += performance.now() - startedAt;
    return ended + decided;
  }

  private isUnderWay(kinds: string[]): boolean {
    const { arrivals, awaited } = this.more;
    return arrivals || awaited || (kinds.includes('depend') && this.dependents.isUnderWay);
  }

  private async pages(has: (kind: string) => boolean): Promise<Looked[]> {
    const { adding, beginning, stopping, undoing } = this;
    const each = (
      kind: string,
      from: { after: string },
      next: (after: string) => Promise<Page | undefined>,
    ) => (has(kind) ? this.eachOf(from, next) : this.noneOf(from));
    const added = await each('add', adding, (after) => this.addNext(after));
    const begun = await each('begin', beginning, (after) => this.beginNext(after));
    const stopped = await each('stop', stopping, (after) => this.stopNext(after));
    // What stopped stages were about to begin goes.
    if (stopped.moved) beginning.after = FIRST;
    const undone = await each('undo', undoing, (after) => this.compensator.next(after));
    return [added, begun, stopped, undone];
  }

  private noneOf(from: { after: string }): Looked {
    from.after = FIRST;
    return { moved: false, locked: false };
  }

  private again(): number {
    this.restMs = FIRST_REST_MS;
    return 0;
  }

  private later(): number {
    this.restMs = Math.min(2 * this.restMs, MAX_REST_MS);
    return Math.max(this.restMs, RESTS_PER_LOOK * this.lookMs);
  }

  private done(): number {
    this.restMs = FIRST_REST_MS;
    return Infinity;
  }

  /** One after another behind the last, a page a round: what cannot be taken up yet hides nothing behind it. */
  private async eachOf(
    from: { after: string },
    next: (after: string) => Promise<Page | undefined>,
  ): Promise<Looked> {
    const total = { moved: false, locked: false };
    for (let n = 0; n < MAX_PAGE; n++) {
      const page = await next(from.after);
      if (!page) {
        from.after = FIRST;
        return total;
      }
      from.after = page.id;
      if (!page.locked) total.moved = true;
      // Each has waited for its lock, and what others have to tell waits meanwhile.
      else if (total.locked) return total;
      else total.locked = true;
    }
    // There may be more: the next round goes on there.
    return { ...total, moved: true };
  }

  /** What a step adds is there before its workflow hears of its end. */
  private async addNext(after: string): Promise<Page | undefined> {
    const { database, workflows, signals } = this.site.storage;
    let found: Adding | undefined;
    try {
      await database.loops.transaction(async (run) => {
        found = await workflows.adding.take(run, after);
        return found && this.adder.take(run, found);
      });
      if (found) signals.send({ lanes: [], ...ENDED });
      return found && { id: found.id };
    } catch (error) {
      if (!found) throw error;
      if (isLocked(error)) return { id: found.id, locked: true };
      if (!isRefusal(error)) throw error;
      return this.endAdder(found, error);
    }
  }

  /** Nothing is added to a workflow that stops; what it cannot have makes the step that added it fail. */
  private async endAdder({ id }: Adding, error: unknown): Promise<Page> {
    const { database, workflows } = this.site.storage;
    const { name, message, code } = failureOf(error);
    await database.loops.transaction(async (run) => {
      const taken = await workflows.adding.take(run, String(BigInt(id) - 1n));
      if (taken?.id !== id) throw new Passed();
      await workflows.adding.end(run, taken, code === 'WORKFLOW_ENDED' ? undefined : { name, message, code });
    }).catch(unlessPassed); // prettier-ignore
    return { id };
  }

  /** A stage whose jobs are enqueued as any others, with the locks of their groups; whoever holds those is waited for by asking again. */
  private async beginNext(after: string): Promise<Page | undefined> {
    const { storage } = this.site;
    let found: Beginning | undefined;
    try {
      const moved = await storage.database.loops.transaction(async (run) => {
        found = await storage.workflows.takeBeginning(run, after);
        return found && this.begin(run, found);
      });
      if (moved) this.tell(moved);
      return found && { id: found.id };
    } catch (error) {
      if (!found) throw error;
      if (error instanceof Stopped) return this.forget(found);
      if (isLocked(error)) return { id: found.id, locked: true };
      if (!isRefusal(error)) throw error;
      return this.forget(found, error);
    }
  }

  private async begin(run: Run, beginning: Beginning): Promise<Moved> {
    const { workflows, enqueues } = this.site.storage;
    const jobs = await workflows.draftsOf(run, beginning);
    if (jobs.length > 0) await enqueues.insertIn(run, jobs);
    const flow = await workflows.lock(run, beginning.workflow);
    const stops = flow?.asked || flow?.stop !== null;
    if (flow?.state !== 'running' || (beginning.again ? flow.stop === 'abandoned' : stops)) throw new Stopped(); // prettier-ignore
    if (jobs.length === 0) return workflows.completeEmpty(run, beginning);
    const lanes = [...new Set(jobs.map(({ lane }) => lane.id))];
    return { lanes, later: 1, arrivals: 0, ended: [] };
  }

  /** Its jobs are not to be enqueued: the workflow is stopped, or they cannot be stored, and have failed. */
  private async forget(beginning: Beginning, error?: unknown): Promise<Page> {
    const { database, workflows } = this.site.storage;
    const { id, workflow } = beginning;
    const before = String(BigInt(id) - 1n);
    let locked = false;
    await database.loops.transaction(async (run) => {
      const taken = await workflows.takeBeginning(run, before);
      if (taken?.id !== id) throw new Passed();
      // What stops it skips the stages that are to begin: they stay until then.
      locked = error === undefined && !!(await workflows.lock(run, workflow))?.asked;
      if (locked) throw new Passed();
      if (error === undefined) return;
      const { name, message, code } = failureOf(error);
      await workflows.failStage(run, beginning, { name, message, code });
    }).catch((error: unknown) => {
      if (isLocked(error)) locked = true;
      else unlessPassed(error);
    }); // prettier-ignore
    return { id, locked };
  }

  /** First nothing begins any more, then what runs is asked to stop, and what is gone has ended; the row stays until all is done. */
  private async stopNext(after: string): Promise<Page | undefined> {
    const { database, workflows } = this.site.storage;
    const found = await database.loops.transaction(async (run) => {
      const next = await workflows.takeStop(run, after);
      const moved = next && (await workflows.stop(run, next.workflow, next.stop));
      // Said too late to a workflow that compensates already: that is not to be cancelled.
      const goesBack = next && !moved && (await workflows.undo.goesBack(run, next.workflow));
      return next && { ...next, moved, goesBack };
    });
    if (found?.moved) this.tell(found.moved);
    if (!found || found.goesBack || found.stop === null) return found && this.stopped(found);
    return this.cancelLeft(found, found.stop);
  }

  private async cancelLeft({ id, workflow }: Stopping, stop: string): Promise<Page> {
    const { database, signals, workflows } = this.site.storage;
    try {
      const counts = await this.cancelJobs(database.loops.run, workflow, stop, workflow);
      const news = wakeUpOfCancel(counts);
      if (news) signals.send(news);
      await workflows.vanished.end(workflow);
      return await this.stopped({ id });
    } catch (error) {
      if (isLocked(error)) return { id, locked: true };
      throw error;
    }
  }

  /** Callbacks are called although it stops, and have to come to their end. */
  async cancelJobs(run: Run, id: string, stop: string, stopping?: string): Promise<CancelCounts> {
    const { cancels, workflows } = this.site.storage;
    const but = stop === 'abandoned' ? [] : await workflows.adding.callbacks(run, id);
    return cancels.byWorkflow(run, { workflowId: id, but, stopping }, this.archive);
  }

  private async stopped({ id }: Page): Promise<Page> {
    await this.site.storage.workflows.stopped(id);
    return { id };
  }

  private tell(moved: Moved): void {
    tellMoved(moved, this.site.storage.signals, this.site.events);
  }
}
