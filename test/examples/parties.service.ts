import { Injectable } from '@nestjs/common';
import { QueueError, QueueService, type JobEnd } from 'nestjs-simple-queue';
import { Invitations } from './letter.jobs.js';

@Injectable()
export class PartiesService {
  constructor(private readonly queues: QueueService) {}

  // #region enqueue
  async invite(to: string, at: string): Promise<string> {
    const { id } = await this.queues.enqueue(
      Invitations,
      { to, party: 'Summer party', at },
      { uniqueKey: `party:${to}` },
    );
    return id;
  }
  // #endregion

  // #region find
  async partyOf(id: string): Promise<Date | undefined> {
    const job = await this.queues.find(id, { as: Invitations });
    return job?.payload.at;
  }
  // #endregion

  // #region wait
  /** The request waits for the letter, at most five seconds, and no longer than its client. */
  async inviteNow(to: string, at: string, signal?: AbortSignal): Promise<string> {
    const end = await this.queues.enqueueAndWait(
      Invitations,
      { to, party: 'Summer party', at },
      { timeoutMs: 5_000, signal },
    );
    if (end.state !== 'succeeded') return `not sent: ${end.error?.message ?? end.state}`;
    return `sent at ${end.output.sentAt.getTime()}`;
  }
  // #endregion

  // #region later
  /** A client may ask again, in whatever process: the job goes on when its time to wait is over. */
  async sent(id: string): Promise<JobEnd<{ messageId: string; sentAt: Date }> | 'still waiting'> {
    try {
      return await this.queues.wait(id, { as: Invitations, timeoutMs: 20_000 });
    } catch (error) {
      if (error instanceof QueueError && error.code === 'WAIT_TIMEOUT') return 'still waiting';
      throw error;
    }
  }
  // #endregion
}
