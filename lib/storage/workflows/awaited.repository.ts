import type { Database, Run } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { unknownAmong } from '../staged/dependencies.js';
import { AWAIT_AGAIN, AWAIT_JOBS, TAKE_AWAITED } from './awaited.sql.js';

/** A step that is a job of somebody else. */
export interface Awaited {
  /** Of the step. */
  id: string;
  job: string;
}

const FIRST = '0';
/** Of 500 jobs each, in one look. */
const MAX_PAGES = 4;

/** Jobs that workflows wait for, and that know nothing of it. */
export class AwaitedRepository {
  /** How far the look of this process has come. */
  private after = FIRST;

  constructor(private readonly database: Database) {}

  /** One of these jobs of which nothing is known. */
  unknown(run: Run, workflow: string, awaits: string[]): ReturnType<typeof unknownAmong> {
    return unknownAmong(run, awaits.length > 0 ? [{ id: workflow, awaits }] : []);
  }

  /** Of a workflow that has any. */
  async store(
    run: Run,
    workflow: string,
    stages: readonly { awaits?: Awaited | undefined }[],
  ): Promise<void> {
    const all = stages.flatMap(({ awaits }, stage) => (awaits ? [{ ...awaits, stage }] : []));
    if (all.length === 0) return;
    const columns = [all.map(({ id }) => id), all.map(({ stage }) => stage), all.map(({ job }) => job)]; // prettier-ignore
    await run(AWAIT_JOBS, [SHARD, workflow, ...columns]);
  }

  async again(run: Run, workflow: string): Promise<void> {
    await run(AWAIT_AGAIN, [SHARD, workflow]);
  }

  /** Some pages of them; how many have ended, and whether there is more of this look. */
  async take(): Promise<{ ended: number; more: boolean }> {
    const { run } = this.database.loops;
    let ended = 0;
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const [row] = await run<{ ended: number; last: string | null }>(TAKE_AWAITED, [SHARD, this.after]); // prettier-ignore
      ended += row!.ended;
      this.after = row!.last ?? FIRST;
      if (this.after === FIRST) break;
    }
    return { ended, more: this.after !== FIRST };
  }
}
