import { Injectable } from '@nestjs/common';
import { QueueError } from 'nestjs-simple-queue';
import {
  QueueAdmin,
  type Explanation,
  type ListedJob,
  type RedriveCounts,
} from 'nestjs-simple-queue/admin';

@Injectable()
export class OperationsService {
  constructor(private readonly admin: QueueAdmin) {}

  // #region overview
  /** What a check should complain about. */
  async complaints(): Promise<string[]> {
    const queues = await this.admin.queues();
    return queues.flatMap(({ queue, paused, oldestReadyMs = 0, lanes }) => [
      ...(!paused && oldestReadyMs > 60_000
        ? [`${queue}: a job is ready for ${Math.round(oldestReadyMs / 1_000)} s`]
        : []),
      ...lanes
        .filter((lane) => lane.workers === 0 && lane.ready.jobs > 0)
        .map((lane) => `${queue} ${lane.name}: no worker`),
    ]);
  }
  // #endregion

  // #region pause
  /** Nothing is sent while the mail server is exchanged; orders come in all the same. */
  async whilePaused(queue: string, work: () => Promise<void>): Promise<void> {
    await this.admin.pause(queue);
    try {
      await work();
    } finally {
      await this.admin.resume(queue);
    }
  }
  // #endregion

  // #region list
  /** All dead letters of a queue, page by page. */
  async *deadLetters(queue: string): AsyncGenerator<ListedJob> {
    let after: string | undefined;
    do {
      const page = await this.admin.jobs(
        { queue, state: ['failed', 'critical', 'unprocessable', 'poisoned'] },
        { limit: 100, after },
      );
      yield* page.jobs;
      after = page.next;
    } while (after);
  }
  // #endregion

  // #region retry
  async again(id: string): Promise<string> {
    try {
      const { outcome } = await this.admin.retry(id);
      return outcome === 'revived' ? 'It runs again.' : 'It runs as soon as a worker is free.';
    } catch (error) {
      if (error instanceof QueueError && error.code === 'UNIQUE_KEY_TAKEN')
        return 'A newer job does the same. Nothing was done.';
      throw error;
    }
  }
  // #endregion

  // #region redrive
  /** The mail server was away: what failed meanwhile runs again, unless that is suspiciously much. */
  async afterOutage(from: Date, to: Date): Promise<RedriveCounts> {
    const outage = {
      queue: 'mail',
      state: 'failed',
      finishedAfter: from,
      finishedBefore: to,
    } as const;
    const { revived } = await this.admin.redrive(outage, { dryRun: true });
    if (revived > 10_000)
      throw new Error(`${revived} jobs failed in the outage; look before you run them all again.`);
    return this.admin.redrive(outage);
  }
  // #endregion

  // #region explain
  /** For a support page: why does this job not run? */
  async whyNot(id: string): Promise<Explanation> {
    const explanation = await this.admin.explain(id);
    // e.g. { state: 'ready', reasons: [{ code: 'NO_HANDLER', text: '2 workers are alive, and none has a handler for queue "mail".' }], ... }
    return explanation;
  }
  // #endregion

  // #region act
  /** A button of your own back office: to the audit the two are one act. */
  async reopenMail(user: { email: string }): Promise<void> {
    await this.admin.as(user.email).act('reopen', { queue: 'mail' }, async () => {
      await this.admin.redrive({ queue: 'mail' });
      await this.admin.resume('mail');
    });
  }
  // #endregion
}
