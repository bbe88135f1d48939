import { Injectable } from '@nestjs/common';
import { QueueService } from 'nestjs-simple-queue';
import type { EntityManager } from 'typeorm';
import { Greetings } from './greetings.handler.js';

@Injectable()
export class GreetingsService {
  constructor(private readonly queues: QueueService) {}

  /** With the manager of a transaction, the job is there when it commits. */
  async greet(name: string, manager?: EntityManager): Promise<string> {
    const { id } = await this.queues.enqueue(Greetings, { name }, { manager });
    return id;
  }
}
