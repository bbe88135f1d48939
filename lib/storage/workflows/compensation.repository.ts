import type { WorkflowEnd, WorkflowState } from '../../job/workflow.js';
import type { NewJob } from '../../job/new-job.js';
import type { Run } from '../connection/database.js';
import { isHeld } from '../enqueue/held-jobs.js';
import { SHARD } from '../connection/shard.js';
import {
  BEGIN_UNDO,
  COUNT_COMPENSATED,
  END_SAGA,
  FAIL_UNDO,
  FIND_FAILED_UNDO,
  MARK_STUCK,
  NEXT_UNDO,
  RETRY_UNDO,
  STORE_COMPENSATIONS,
  TAKE_UNDO,
  WAKE_UNDO,
} from './compensate.sql.js';

/** A stage on its way to the database, with what compensates it. */
interface Compensated {
  name: string;
  many: boolean;
  undo?: readonly NewJob[] | undefined;
}

/** Where a workflow is that goes back, and the compensation that is the next one or has begun; null: none is left. */
export interface Undo {
  flow: WorkflowState;
  stop: string | null;
  seq: string | null;
  begun: boolean | null;
  step: string | null;
  id: string | null;
  state: string | null;
  error: { name: string; message: string; code?: string } | null;
}

/** A workflow in its next attempt, which may have ended with that. */
export interface Retried {
  id: string;
  name: string;
  state: 'running' | 'compensating' | 'succeeded';
  attempt: number;
}

/** Compensations of workflows that go back, one after another. */
export class CompensationRepository {
  /** Of a workflow that has any. */
  async store(run: Run, workflow: string, stages: readonly Compensated[]): Promise<void> {
    const all = stages.map(({ name, many, undo }, n) => ({ n, name, many, undo }));
    const sagas = all.filter(({ undo }) => undo !== undefined);
    if (sagas.length === 0) return;
    await run(STORE_COMPENSATIONS, [
      ...[SHARD, workflow],
      sagas.map(({ n }) => n),
      sagas.map(({ name }) => name),
      sagas.map(({ undo }) => undo!.length),
      sagas.map(({ many }) => many),
      sagas.map(({ undo }) => !undo!.some(isHeld)),
    ]);
  }

  async take(run: Run, after: string): Promise<{ id: string; workflow: string } | undefined> {
    return (await run<{ id: string; workflow: string }>(TAKE_UNDO, [SHARD, after]))[0];
  }

  async next(run: Run, workflow: string): Promise<Undo | undefined> {
    return (await run<Undo>(NEXT_UNDO, [SHARD, workflow]))[0];
  }

  async goesBack(run: Run, workflow: string): Promise<boolean> {
    const flow = (await this.next(run, workflow))?.flow;
    return flow === 'compensating' || flow === 'stuck';
  }

  /** Somebody has to look at it. */
  async wake(run: Run, workflow: string): Promise<void> {
    await run(WAKE_UNDO, [SHARD, workflow]);
  }

  async begun(run: Run, workflow: string, { seq }: Undo): Promise<void> {
    await run(BEGIN_UNDO, [SHARD, workflow, seq]);
  }

  async fail(run: Run, { id }: Undo, error: object): Promise<void> {
    await run(FAIL_UNDO, [SHARD, id, JSON.stringify(error)]);
  }

  async stuck(run: Run, id: string): Promise<{ id: string; name: string; attempt: number }> {
    return (await run<{ id: string; name: string; attempt: number }>(MARK_STUCK, [SHARD, id]))[0]!;
  }

  async end(run: Run, id: string) {
    type Ended = { id: string; name: string; state: WorkflowEnd; attempt: number };
    return (await run<Ended>(END_SAGA, [SHARD, id]))[0]!;
  }

  async count(run: Run, id: string): Promise<number> {
    return (await run<{ n: number }>(COUNT_COMPENSATED, [SHARD, id]))[0]!.n;
  }

  async failed(run: Run, id: string): Promise<string[]> {
    return (await run<{ id: string }>(FIND_FAILED_UNDO, [SHARD, id])).map((row) => row.id);
  }

  async retry(run: Run, id: string): Promise<Retried> {
    return (await run<Retried>(RETRY_UNDO, [SHARD, id]))[0]!;
  }
}
