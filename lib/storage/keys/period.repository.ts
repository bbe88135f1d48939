import type { Database } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import { PURGE_PERIODS } from './throttle.sql.js';

/** Periods of throttled keys after their end. */
export class PeriodRepository {
  constructor(private readonly database: Database) {}

  /** How many went; 1,000 at most. */
  async purge(): Promise<number> {
    return (await this.database.loops.run<{ gone: number }>(PURGE_PERIODS, [SHARD]))[0]!.gone;
  }
}
