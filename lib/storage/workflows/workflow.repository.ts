import type { NewJob } from '../../job/new-job.js';
import type { WorkflowState } from '../../job/workflow.js';
import { textArray } from '../connection/binary-array.js';
import type { Database, Run } from '../connection/database.js';
import type { Moved } from './rows.js';
import { SHARD } from '../connection/shard.js';
import { chunksOf } from '../enqueue/chunks.js';
import type { Lanes } from '../lanes/lanes.js';
import { keptText, type Success } from '../settle/ended-run.js';
import { COMPLETE_EMPTY, FAIL_STAGE, LOCK_WORKFLOW, TAKE_BEGINNING } from './arrivals.sql.js';
import { draftValues, newJobOf, type Draft, type StoredDraft } from './drafts.js';
import { FIND_DRAFTS, READ_DRAFTS, STORE_DRAFTS, STORE_STEPS } from './drafts.sql.js';
import {
  BEGIN_STAGES,
  FIND_AGAIN,
  FIND_FAILED_STEPS,
  FIND_KEPT_STEPS,
  RENAME_STEPS,
  RETRY_WORKFLOW,
  WAIT_AGAIN,
} from './retry.sql.js';
import { SETTLE_STEPS } from './settle-steps.sql.js';
import { FIND_WORKFLOW_KEY, START_WORKFLOW } from './start.sql.js';
import {
  ASK_TO_STOP,
  MARK_STOP,
  STOP_EXPIRED,
  STOP_WORKFLOW,
  STOPPED,
  TAKE_STOP,
} from './stop.sql.js';
import { CompensationRepository, type Retried } from './compensation.repository.js';
import { ArrivalsRepository } from './arrivals.repository.js';
import { AwaitedRepository, type Awaited } from './awaited.repository.js';
import { AddingRepository } from './adding.repository.js';
import { VanishedRepository } from './vanished.repository.js';
import { WorkflowReadingRepository } from './workflow-reading.repository.js';

/** Nothing is known but that somebody has to look. */
export const LOOK: Moved = { lanes: [], later: 0, arrivals: 1, ended: [] };

/** A step on its way to the database; its number is its place in the list. */
export interface NewStage {
  name: string;
  many: boolean;
  again: boolean;
  jobs: NewJob[];
  /** What compensates each of its jobs. */
  undo?: NewJob[];
  /** It is this job of somebody else. */
  awaits?: Awaited | undefined;
  /** Which earlier ones it waits for, by their numbers. */
  after: { stage: number; when: string }[];
  plain: boolean;
}

export interface NewWorkflow {
  id: string;
  name: string;
  stages: NewStage[];
  stopsAtFailure: boolean;
  keepMs: number;
  uniqueKey?: string | undefined;
  deadlineMs?: number | undefined;
}

/** A stage that is to begin by more than one statement. */
export interface Beginning {
  id: string;
  workflow: string;
  stage: number;
  /** It is a callback of a batch. */
  again: boolean;
}

/** A workflow that is to stop; without a reason it has nothing that is open. */
export interface Stopping {
  id: string;
  workflow: string;
  stop: string | null;
}

/** Drafts in one statement. */
const MAX_ROWS = 2_000;

export type LockedWorkflow = {
  name: string;
  state: WorkflowState;
  stop: string | null;
  asked: boolean;
};

/** Workflows: started by callers, moved on by what settles their steps and by the duty. */
export class WorkflowRepository {
  /** What is to be seen of them. */
  readonly reading: WorkflowReadingRepository;
  /** What is compensated when they fail. */
  readonly undo = new CompensationRepository();
  /** What is added while they run. */
  readonly adding = new AddingRepository();
  /** What they have to be told. */
  readonly arrivals: ArrivalsRepository;
  /** What is missing of them. */
  readonly vanished: VanishedRepository;
  /** What they wait for that is not theirs. */
  readonly awaited: AwaitedRepository;

  constructor(
    private readonly database: Database,
    private readonly lanes: Lanes,
  ) {
    this.reading = new WorkflowReadingRepository(database);
    this.arrivals = new ArrivalsRepository(database);
    this.vanished = new VanishedRepository(database);
    this.awaited = new AwaitedRepository(database);
  }

  /** Successes of steps; `lost` are runs that no longer held their job. */
  async settle(worker: string, successes: Success[]): Promise<Moved & { lost: string[] }> {
    const inOrder = successes.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const values = [
      inOrder.map(({ id }) => id),
      inOrder.map(({ epoch }) => epoch),
      worker,
      `{${inOrder.map(keptText).join(',')}}`,
    ];
    const { loops } = this.database;
    return (await loops.run<Moved & { lost: string[] }>(SETTLE_STEPS, [SHARD, ...values]))[0]!;
  }

  /** False: a live one has its key, and nothing is stored. All of its drafts, those that begin at once among them: another attempt is made of them. */
  async start(run: Run, flow: NewWorkflow): Promise<boolean> {
    const { id, name, stages, stopsAtFailure, keepMs, uniqueKey, deadlineMs } = flow;
    const edges = stages.flatMap(({ after }, n) => after.map((edge) => ({ ...edge, n })));
    const stored = await run(START_WORKFLOW, [
      ...[SHARD, id, name, stopsAtFailure, keepMs, uniqueKey ?? null, deadlineMs ?? null],
      stages.map((stage) => stage.name),
      stages.map(({ jobs, awaits }) => (awaits ? 1 : jobs.length)),
      stages.map(({ after }) => after.length),
      stages.map(({ plain }) => plain),
      stages.map(({ many }) => many),
      edges.map(({ stage }) => stage),
      edges.map(({ n }) => n),
      edges.map(({ when }) => when),
      stages.map(({ again }) => again),
    ]);
    if (stored.length === 0) return false;
    await this.undo.store(run, id, stages);
    await this.storeDrafts(run, id, draftsOf(stages));
    await this.awaited.store(run, id, stages);
    return true;
  }

  /** The live workflow that has the key. */
  async holderOf(run: Run, name: string, uniqueKey: string): Promise<string | undefined> {
    const rows = await run<{ id: string }>(FIND_WORKFLOW_KEY, [SHARD, uniqueKey, name]);
    return rows[0]?.id;
  }

  /** The first stage behind `after` that is to begin; it is locked. */
  async takeBeginning(run: Run, after: string): Promise<Beginning | undefined> {
    return (await run<Beginning>(TAKE_BEGINNING, [SHARD, after]))[0];
  }

  async lock(run: Run, id: string): Promise<LockedWorkflow | undefined> {
    return (await run<LockedWorkflow>(LOCK_WORKFLOW, [SHARD, id]))[0];
  }

  async completeEmpty(run: Run, { workflow, stage }: Beginning): Promise<Moved> {
    return (await run<Moved>(COMPLETE_EMPTY, [SHARD, workflow, stage]))[0]!;
  }

  async failStage(run: Run, { workflow, stage }: Beginning, error: object): Promise<void> {
    await run(FAIL_STAGE, [SHARD, workflow, stage, JSON.stringify(error)]);
  }

  async draftsOf(run: Run, { workflow, stage }: Beginning): Promise<NewJob[]> {
    return this.jobsOf(await run<StoredDraft>(READ_DRAFTS, [SHARD, workflow, stage]));
  }

  async draftsById(run: Run, ids: string[]): Promise<NewJob[]> {
    return this.jobsOf(await run<StoredDraft>(FIND_DRAFTS, [SHARD, ids]));
  }

  /** False: it does not run, or never did. */
  async askToStop(run: Run, id: string, why: string): Promise<boolean> {
    return (await run(ASK_TO_STOP, [SHARD, id, why])).length > 0;
  }

  /** And which kinds of arrivals there are. */
  async stopExpired(): Promise<{ expired: number; kinds: string[] }> {
    const { loops } = this.database;
    return (await loops.run<{ expired: number; kinds: string[] }>(STOP_EXPIRED, [SHARD]))[0]!;
  }

  async takeStop(run: Run, after: string): Promise<Stopping | undefined> {
    return (await run<Stopping>(TAKE_STOP, [SHARD, after]))[0];
  }

  /** Nothing of it begins any more; undefined: it has ended, or compensates. */
  async stop(run: Run, id: string, why: string | null): Promise<Moved | undefined> {
    const [marked] = await run<{ state: WorkflowState }>(MARK_STOP, [SHARD, id, why]);
    if (marked && marked.state !== 'running') {
      await this.undo.wake(run, id);
      return LOOK;
    }
    return marked && (await run<Moved>(STOP_WORKFLOW, [SHARD, id]))[0];
  }

  async stopped(arrival: string): Promise<void> {
    await this.database.loops.run(STOPPED, [SHARD, arrival]);
  }

  async failedSteps(run: Run, id: string): Promise<string[]> {
    const rows = await run<{ id: string }>(FIND_FAILED_STEPS, [SHARD, id]);
    return rows.map((row) => row.id);
  }

  /** Those of these jobs that are there still. */
  async keptSteps(run: Run, ids: string[]): Promise<string[]> {
    const rows = await run<{ id: string }>(FIND_KEPT_STEPS, [SHARD, ids]);
    return rows.map((row) => row.id);
  }

  async rename(run: Run, ids: string[], others: string[]): Promise<void> {
    await run(RENAME_STEPS, [SHARD, ids, others]);
  }

  /** Jobs that another attempt lets wait; `again`: of a callback. */
  findAgain(run: Run, id: string): Promise<{ id: string; stage: number; again: boolean }[]> {
    return run(FIND_AGAIN, [SHARD, id]);
  }

  async waitAgain(run: Run, id: string, stages: number[]): Promise<void> {
    await run(WAIT_AGAIN, [SHARD, id, stages]);
  }

  async retry(run: Run, id: string): Promise<Retried> {
    const [row] = await run<Retried>(RETRY_WORKFLOW, [SHARD, id]);
    await run(BEGIN_STAGES, [SHARD, id]);
    await this.awaited.again(run, id);
    return row!;
  }

  async storeDrafts(run: Run, id: string, drafts: Draft[]): Promise<void> {
    const jobs = drafts.map(({ job }) => job);
    let from = 0;
    for (const { length } of chunksOf(jobs, MAX_ROWS)) {
      const some = drafts.slice(from, (from += length));
      const added = textArray(some.map((draft) => draft.added));
      await run(STORE_STEPS, [SHARD, id, ...draftValues(some).slice(0, 3), added]);
      await run(STORE_DRAFTS, [SHARD, id, ...draftValues(some)]);
    }
  }

  private async jobsOf(rows: StoredDraft[]): Promise<NewJob[]> {
    const lanes = new Map<number, NewJob['lane']>();
    for (const { lane } of rows)
      if (!lanes.has(lane)) lanes.set(lane, await this.lanes.byNumber(lane));
    return rows.map((row) => newJobOf(row, lanes.get(row.lane)!));
  }
}

const draftsOf = (stages: NewStage[]): Draft[] =>
  stages.flatMap(({ jobs, undo = [] }, stage) => [
    ...jobs.map((job, item) => ({ job, stage, item })),
    ...undo.map((job, item) => ({ job, stage: -1 - stage, item })),
  ]);
