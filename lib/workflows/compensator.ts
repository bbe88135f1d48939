import { failureOf } from '../job/failure.js';
import type { QueueEventBus } from '../observability/events.js';
import type { Run } from '../storage/connection/database.js';
import type { Storage } from '../storage/storage.js';
import type { Undo } from '../storage/workflows/compensation.repository.js';
import type { Moved } from '../storage/workflows/rows.js';
import { isLocked, isRefusal, Passed, Stopped, unlessPassed, type Page } from './left-over.js';

interface CompensatorSite {
  storage: Storage;
  events: QueueEventBus;
  tell: (moved: Moved) => void;
}

/** A workflow whose compensation goes on. */
interface Undoing {
  id: string;
  workflow: string;
}

/** What is said after the commit. */
type Say = () => void;
const NOTHING: Say = () => undefined;

/**
 * Takes workflows that have failed back: what has completed is compensated last first, each by a job of its own that begins
 * when the one before it has succeeded. One that fails makes its workflow stuck. All of it is in rows, so any process may go on with it.
 */
export class Compensator {
  constructor(private readonly site: CompensatorSite) {}

  /** The first workflow behind `after` whose compensation goes on. */
  async next(after: string): Promise<Page | undefined> {
    let found: Undoing | undefined;
    try {
      const say = await this.site.storage.database.loops.transaction(async (run) => {
        found = await this.site.storage.workflows.undo.take(run, after);
        return found ? this.goOn(run, found.workflow) : NOTHING;
      });
      say();
      return found && { id: found.id };
    } catch (error) {
      if (!found) throw error;
      if (error instanceof Stopped || isLocked(error)) return { id: found.id, locked: true };
      if (!isRefusal(error)) throw error;
      return this.refuse(found, error);
    }
  }

  private async goOn(run: Run, workflow: string): Promise<Say> {
    const { workflows } = this.site.storage;
    const { undo } = workflows;
    const seen = await undo.next(run, workflow);
    const act = actOn(seen);
    // With the locks of its group, if it has one: those come before that of the workflow, as where a stage begins.
    const lanes = act === 'begin' ? await this.enqueue(run, seen!.id!) : [];
    await workflows.lock(run, workflow);
    const now = await undo.next(run, workflow);
    if (actOn(now) !== act || now?.seq !== seen?.seq) throw new Stopped();
    if (act === 'end') return this.end(run, workflow);
    if (act === 'stick') return this.stick(run, workflow, now!);
    if (act === 'rest') return NOTHING;
    await undo.begun(run, workflow, now!);
    return () => this.site.tell({ lanes, later: 1, arrivals: 0, ended: [] });
  }

  private async enqueue(run: Run, id: string): Promise<number[]> {
    const { workflows, enqueues } = this.site.storage;
    const jobs = await workflows.draftsById(run, [id]);
    await enqueues.insertIn(run, jobs);
    return jobs.map(({ lane }) => lane.id);
  }

  private async end(run: Run, workflow: string): Promise<Say> {
    const ended = await this.site.storage.workflows.undo.end(run, workflow);
    return () => this.site.tell({ lanes: [], later: 0, arrivals: 0, ended: [ended] });
  }

  private async stick(run: Run, workflow: string, { step, id, error }: Undo): Promise<Say> {
    const flow = await this.site.storage.workflows.undo.stuck(run, workflow);
    const stuck = { ...flow, step: step!, jobId: id!, ...(error ? { error } : {}) };
    return () => this.site.events.emit('workflowStuck', () => stuck);
  }

  /** Its job cannot be stored: it has failed. */
  private async refuse({ id, workflow }: Undoing, error: unknown): Promise<Page> {
    const { database, workflows } = this.site.storage;
    const before = String(BigInt(id) - 1n);
    const { name, message, code } = failureOf(error);
    await database.loops
      .transaction(async (run) => {
        if ((await workflows.undo.take(run, before))?.id !== id) throw new Passed();
        await workflows.lock(run, workflow);
        const now = await workflows.undo.next(run, workflow);
        if (!now || actOn(now) !== 'begin') throw new Passed();
        await workflows.undo.begun(run, workflow, now);
        await workflows.undo.fail(run, now, { name, message, code });
      })
      .catch(unlessPassed);
    return { id };
  }
}

/** What is to be done in this situation. */
function actOn(next: Undo | undefined): 'rest' | 'begin' | 'end' | 'stick' {
  if (!next || (next.flow !== 'compensating' && next.flow !== 'stuck')) return 'rest';
  if (next.begun && next.state === null) return 'rest';
  if (next.seq === null || next.stop === 'abandoned') return 'end';
  if (next.flow === 'stuck') return 'rest';
  return next.begun ? 'stick' : 'begin';
}
