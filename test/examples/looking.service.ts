import { Injectable } from '@nestjs/common';
import { QueueAdmin } from 'nestjs-simple-queue/admin';

@Injectable()
export class LookingService {
  constructor(private readonly admin: QueueAdmin) {}

  // #region series
  /** Is mail slower than yesterday at this time? */
  async slowdown(now = new Date()): Promise<string> {
    const hour = 3_600_000;
    const yesterday = new Date(now.getTime() - 24 * hour);
    const p95 = async (to: Date): Promise<number> => {
      const from = new Date(to.getTime() - hour);
      const { points } = await this.admin.series({ queue: 'mail', from, to, stepMs: '1 h' });
      return Math.max(...points.map(({ run }) => run?.p95 ?? 0));
    };
    return `run p95: ${await p95(now)} ms, yesterday ${await p95(yesterday)} ms`;
  }
  // #endregion

  // #region errors
  /** The fault is fixed: what it killed runs again. */
  async redriveFault(name: string): Promise<number> {
    const faults = (await this.admin.errors()).filter(({ example }) => example.error.name === name);
    let revived = 0;
    for (const { key } of faults) revived += (await this.admin.redrive({ errorKey: key })).revived;
    return revived;
  }
  // #endregion
}
