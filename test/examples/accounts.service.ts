import { Injectable } from '@nestjs/common';
import { QueueService, type CommitAnswer } from 'nestjs-simple-queue';
import type { EntityManager } from 'typeorm';

@Injectable()
export class AccountsService {
  constructor(private readonly queues: QueueService) {}

  // #region ordered
  /** The bookings of one account run one after another, in the order of their commits; those of other accounts beside them. */
  async book(account: string, cents: number, manager?: EntityManager): Promise<string> {
    const { id } = await this.queues.enqueue(
      'bookings',
      { account, cents },
      { manager, group: account, ordered: true },
    );
    return id;
  }
  // #endregion

  // #region staged
  /** First phase: the job keeps its place, and nobody runs it yet. */
  async reserve(account: string, cents: number): Promise<string> {
    const options = { group: account, ordered: true, staged: true, commitWithinMs: 60_000 };
    return (await this.queues.enqueue('bookings', { account, cents }, options)).id;
  }

  /** Second phase, in any process. The result says what happened to the job, even if somebody else was first. */
  async confirm(id: string, ok: boolean, manager?: EntityManager): Promise<CommitAnswer> {
    return ok ? this.queues.commit(id, { manager }) : this.queues.abort(id, { manager });
  }
  // #endregion
}
