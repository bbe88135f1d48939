import type { NewJob } from '../../job/new-job.js';
import type { Run } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { END_ADDER, FIND_ADDER, FIND_CALLBACKS, GROW_STAGE, TAKE_ADDING } from './adding.sql.js'; // prettier-ignore

/** What a step has added, on its way to the duty. */
export interface Adding {
  id: string;
  job: string;
  output: unknown;
  more: AddedJob[];
}

/** A job as it is kept until it can be stored. */
export interface AddedJob {
  step: string;
  job: Omit<NewJob, 'payloadBytes' | 'at'> & { payloadBytes?: string; at?: string };
}

interface Grown {
  stage: number;
  /** The number of the first of the new jobs. */
  item: number;
  /** Jobs of the whole workflow by now. */
  jobs: number;
}

/** Jobs that are added to a workflow while it runs. */
export class AddingRepository {
  /** The first one behind `after`; it is locked. */
  async take(run: Run, after: string): Promise<Adding | undefined> {
    return (await run<Adding>(TAKE_ADDING, [SHARD, after]))[0];
  }

  /** undefined: its workflow has heard of its end already. */
  async adderOf(run: Run, job: string): Promise<{ workflow: string; step: string } | undefined> {
    return (await run<{ workflow: string; step: string }>(FIND_ADDER, [SHARD, job]))[0];
  }

  /** undefined: the step does not run. */
  async grow(run: Run, workflow: string, step: string, more: number): Promise<Grown | undefined> {
    return (await run<Grown>(GROW_STAGE, [SHARD, workflow, step, more]))[0];
  }

  async end(run: Run, { id, job, output }: Adding, error?: object): Promise<void> {
    const state = error ? 'failed' : 'succeeded';
    const texts = [output, error].map((value) =>
      value === undefined || value === null ? null : JSON.stringify(value),
    );
    await run(END_ADDER, [SHARD, job, state, error ? null : texts[0], texts[1], id]);
  }

  /** Jobs of callbacks that were called, or were to be. */
  async callbacks(run: Run, workflow: string): Promise<string[]> {
    return (await run<{ id: string }>(FIND_CALLBACKS, [SHARD, workflow])).map(({ id }) => id);
  }
}
