import type { Run } from '../connection/database.js';
import type { RunKey } from './ended-run.js';
import { SHARD } from '../connection/shard.js';
import { CHECKPOINT } from './checkpoint.sql.js';

/** A checkpoint on its way to the database; `text` null takes the stored one away. */
export interface CheckpointWish extends RunKey {
  text: string | null;
  extraAttempts: number;
  /** The most that may be granted in the job's life. */
  maxExtraAttempts: number;
}

/** What running jobs keep of how far they have come. */
export class CheckpointRepository {
  /** How many extra attempts the job has been granted in all; undefined when the run no longer holds it. */
  async save(
    run: Run,
    { id, epoch, text, extraAttempts, maxExtraAttempts }: CheckpointWish,
  ): Promise<number | undefined> {
    const [row] = await run<{ extraAttempts: number }>(CHECKPOINT, [
      SHARD,
      id,
      epoch,
      text,
      extraAttempts,
      maxExtraAttempts,
    ]);
    return row?.extraAttempts;
  }
}
