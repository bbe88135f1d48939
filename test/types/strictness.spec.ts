import { expect, it } from '@jest/globals';
import { compilerTexts } from '../support/compiler.js';
import { patient } from '../support/patience.mjs';

const HANDLERS = `import { HandleJob, Job, JobContext, QueueHandler, defineJob } from 'nestjs-simple-queue';
import type { BatchContext, BatchHandler, JobHandler } from 'nestjs-simple-queue';
const mail = defineJob({ queue: 'mail' });

@QueueHandler('receipts', { transactional: true, maxAttempts: 5 })
class WriteReceipt implements JobHandler<{ orderId: string }, { length: number }> {
  async process(job: Job<{ orderId: string }>, { manager }: JobContext) {
    await manager.query('select 1');
    return { length: job.payload.orderId.length };
  }
}

@QueueHandler('letters')
class Letters {
  @HandleJob('welcome', { timeoutMs: 5_000 })
  welcome(job: Job<{ to: string }>): { sent: string } {
    return { sent: job.payload.to };
  }

  @HandleJob('many', { batch: { size: 5, lingerMs: 100 } })
  many(jobs: Job<{ to: string }>[], context: BatchContext): void {
    void [jobs.length, context];
  }
}

@QueueHandler(mail)
class SendMail {
  process(job: Job<unknown>): { sent: unknown } {
    return { sent: job.payload };
  }
}

@QueueHandler('batches', { batch: { size: 5 } })
class Batches implements BatchHandler<{ to: string }, void> {
  process(jobs: Job<{ to: string }>[]): void {
    void jobs;
  }
}
void [WriteReceipt, Letters, SendMail, Batches];
`;

const WRONG = `import { Job, QueueHandler } from 'nestjs-simple-queue';
@QueueHandler('one', { batch: { size: 5, lingerMs: 100 } })
class One {
  process(job: Job<string>): string {
    return job.payload;
  }
}
void One;
`;

it.each([true, false])(
  'handlers compile, and no handler of one job takes a batch: strictNullChecks %s',
  (strictNullChecks) => {
    const texts = compilerTexts({ right: HANDLERS, wrong: WRONG }, { strictNullChecks });
    expect(texts.right).toBe('');
    expect(texts.wrong).toContain('BatchClass');
  },
  patient(60_000),
);
