import type { WorkflowState } from '../../job/workflow.js';
import type { FoundRow, WorkflowRow } from './rows.js';
import type { Database, Run } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import {
  FIND_STEP,
  FIND_STEPS,
  FIND_WORKFLOW,
  FIND_WORKFLOW_STATES,
  LIST_WORKFLOWS,
  PURGE_WORKFLOWS,
  UPSTREAM,
  UPSTREAM_SIZE,
} from './reading.sql.js';

export interface WorkflowsAsked {
  states: readonly WorkflowState[];
  name: string | undefined;
  limit: number;
  after: string;
}

/** The step that a job is, and what it waits for. */
export interface StepOfJob {
  workflow: string;
  step: string;
  state: string | null;
  begun: boolean;
  /** It is the compensation of the step. */
  compensates: boolean;
  /** Of the workflow, as its state. */
  attempt: number;
  flow: WorkflowState;
  waitsFor: string[];
}

/** What is to be seen of workflows, and what becomes of them in the end. */
export class WorkflowReadingRepository {
  constructor(private readonly database: Database) {}

  async find(run: Run, id: string): Promise<FoundRow | undefined> {
    return (await run<FoundRow>(FIND_WORKFLOW, [SHARD, id]))[0];
  }

  async stateOf(id: string): Promise<WorkflowState | undefined> {
    const rows = await this.database.callers.run<{ state: WorkflowState }>(FIND_WORKFLOW_STATES, [
      SHARD,
      [id],
    ]);
    return rows[0]?.state;
  }

  list({ states, name, limit, after }: WorkflowsAsked): Promise<WorkflowRow[]> {
    return this.database.callers.run(LIST_WORKFLOWS, [SHARD, after, states, name ?? null, limit]);
  }

  /** undefined: no step. */
  async upstreamBytes(id: string): Promise<number | undefined> {
    const [row] = await this.database.callers.run<{ bytes: number; known: boolean }>(
      UPSTREAM_SIZE,
      [SHARD, id],
    );
    return row!.known ? row!.bytes : undefined;
  }

  async upstream<Outputs extends object>(id: string): Promise<Outputs> {
    const rows = await this.database.callers.run<{
      name: string;
      many: boolean;
      outputs: unknown[];
    }>(UPSTREAM, [SHARD, id]);
    return Object.fromEntries(
      rows.map(({ name, many, outputs }) => [name, many ? outputs : (outputs[0] ?? null)]),
    ) as Outputs;
  }

  async stepOf(id: string): Promise<StepOfJob | undefined> {
    return (await this.database.callers.run<StepOfJob>(FIND_STEP, [SHARD, id]))[0];
  }

  /** Those of these jobs that are steps of a workflow that is kept. */
  async stepsAmong(ids: string[]): Promise<Set<string>> {
    if (ids.length === 0) return new Set();
    const rows = await this.database.callers.run<{ id: string }>(FIND_STEPS, [SHARD, ids]);
    return new Set(rows.map((row) => row.id));
  }

  /** A page of 100 or fewer that were kept long enough. */
  async purge(): Promise<number> {
    return (await this.database.loops.run<{ purged: number }>(PURGE_WORKFLOWS, [SHARD]))[0]!.purged;
  }
}
