import { Injectable } from '@nestjs/common';
import { QueueError } from 'nestjs-simple-queue';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { EdgeSettings } from './edge.settings.js';

/**
 * What a worker gets in the place of a lease's id: good for this worker alone, and only for leases that this edge gave out, which hold jobs
 * of its queues. Ids of leases stand in the database and in logs. The key comes from the database's address, which no worker knows.
 */
@Injectable()
export class LeaseHandles {
  private readonly key: string;

  constructor({ databaseUrl }: EdgeSettings) {
    this.key = databaseUrl;
  }

  handleOf(leaseId: string, workerId: string): string {
    return `${leaseId}.${this.sign(leaseId, workerId).toString('base64url')}`;
  }

  /** @throws QueueError `LEASE_UNKNOWN`, as for a lease that never was. */
  leaseOf(handle: string, workerId = ''): string {
    const [leaseId = '', signature = ''] = handle.split('.');
    const given = Buffer.from(signature, 'base64url');
    const wanted = this.sign(leaseId, workerId);
    if (given.length === wanted.length && timingSafeEqual(given, wanted)) return leaseId;
    throw new QueueError(
      'LEASE_UNKNOWN',
      'This edge gave no such lease to this worker. Send the x-worker-id that claimed it.',
    );
  }

  private sign(leaseId: string, workerId: string): Buffer {
    return createHmac('sha256', this.key).update(`${leaseId} ${workerId}`).digest();
  }
}
