import { Injectable } from '@nestjs/common';
import { OnJobEvent, type QueueEvents } from 'nestjs-simple-queue';

@Injectable()
export class AlarmsService {
  readonly raised: string[] = [];

  @OnJobEvent('failed')
  onFailed({ id, queue, state, error }: QueueEvents['failed']): void {
    this.raised.push(`${queue} ${id} ended as ${state}: ${error.message}`);
  }
}
