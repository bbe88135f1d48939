/** What the files of the first job say, by their paths from its folder. */
type FirstJob = Record<string, string>;

export const FOLDER = 'greetings';
export const MODULE = 'GreetingsModule';

/** `extension` is what the application's relative imports end in; `tests` is the import its specs need, or undefined for no spec. */
export function firstJob(extension: string, tests: string | undefined): FirstJob {
  return {
    'greetings.handler.ts': HANDLER,
    'greetings.service.ts': service(extension),
    'greetings.module.ts': module(extension),
    ...(tests !== undefined && { 'greetings.spec.ts': spec(extension, tests) }),
  };
}

const HANDLER = `import { defineJob, QueueHandler, type Job } from 'nestjs-simple-queue';

export interface Greeting {
  name: string;
}

/** What both ends know: the queue, its payload, and what the handler returns. */
export const Greetings = defineJob<Greeting, string>()({ queue: 'greetings' });

/** Runs the jobs of the queue. An error fails the attempt, and the job runs again. */
@QueueHandler(Greetings)
export class GreetingsHandler {
  process(job: Job<Greeting>): string {
    return \`Hello \${job.payload.name}!\`;
  }
}
`;

const service = (extension: string): string => `import { Injectable } from '@nestjs/common';
import { QueueService } from 'nestjs-simple-queue';
import type { EntityManager } from 'typeorm';
import { Greetings } from './greetings.handler${extension}';

@Injectable()
export class GreetingsService {
  constructor(private readonly queues: QueueService) {}

  /** With the manager of a transaction, the job is there when it commits. */
  async greet(name: string, manager?: EntityManager): Promise<string> {
    const { id } = await this.queues.enqueue(Greetings, { name }, { manager });
    return id;
  }
}
`;

const module = (extension: string): string => `import { Module } from '@nestjs/common';
import { GreetingsHandler } from './greetings.handler${extension}';
import { GreetingsService } from './greetings.service${extension}';

@Module({
  providers: [GreetingsHandler, GreetingsService],
  exports: [GreetingsService],
})
export class ${MODULE} {}
`;

const spec = (extension: string, tests: string): string => `import { Test } from '@nestjs/testing';
import { QueueService, type Job } from 'nestjs-simple-queue';
import { RecordingQueueService } from 'nestjs-simple-queue/testing';
${tests}import { GreetingsHandler, type Greeting } from './greetings.handler${extension}';
import { GreetingsService } from './greetings.service${extension}';

it('enqueues a greeting', async () => {
  const queues = new RecordingQueueService();
  const module = await Test.createTestingModule({
    providers: [GreetingsService, { provide: QueueService, useValue: queues }],
  }).compile();
  await module.get(GreetingsService).greet('Ann');
  queues.expectEnqueued('greetings', { payload: { name: 'Ann' } });
});

it('says hello', () => {
  const job = { payload: { name: 'Ann' } } as Job<Greeting>;
  expect(new GreetingsHandler().process(job)).toBe('Hello Ann!');
});
`;
