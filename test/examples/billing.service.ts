import { Injectable } from '@nestjs/common';
import { defineJob } from 'nestjs-simple-queue';
import { QueueSchedules } from 'nestjs-simple-queue/schedules';
import type { EntityManager } from 'typeorm';

export const Bill = defineJob<{ tenant: string }>()({ queue: 'billing', name: 'bill' });

@Injectable()
export class BillingService {
  constructor(private readonly schedules: QueueSchedules) {}

  // #region put
  /** Kept with the tenant, in its transaction: both exist, or neither. */
  async signUp(tenant: string, timeZone: string, manager: EntityManager): Promise<void> {
    await this.schedules.put(
      `billing:${tenant}`,
      { cron: '0 2 1 * *', timeZone, target: Bill, payload: { tenant }, overlap: 'queue' },
      { manager },
    );
  }
  // #endregion

  // #region operate
  async suspend(tenant: string): Promise<void> {
    await this.schedules.pause(`billing:${tenant}`);
  }

  /** Bills the months that were missed; a dry run only says which. */
  async makeUp(tenant: string, from: Date, to: Date, dryRun: boolean): Promise<Date[]> {
    return (await this.schedules.backfill(`billing:${tenant}`, { from, to, dryRun })).times;
  }
  // #endregion
}
