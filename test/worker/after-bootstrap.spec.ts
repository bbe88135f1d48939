import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Injectable,
  Module,
  type INestApplication,
  type OnApplicationBootstrap,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { QueueService } from '../../lib/queue.service.js';
import { SimpleQueueModule } from '../../lib/module/simple-queue.module.js';
import { QueueWorker } from '../../lib/worker/queue-worker.js';
import { aHandler, PATIENT, QUICK } from '../support/application.js';
import { aStory } from '../support/story.js';

/** As an application does it whose `main` only logs that its start failed. */
describe('the start of the worker', () => {
  const story = aStory(PATIENT);
  const leases = async () =>
    (await story.database.query(`select from pg_class where relname = 'lease'`)).length === 0
      ? []
      : story.database.query('select worker from simple_queue.lease');

  const queueModules = () => [
    TypeOrmModule.forRoot({ type: 'postgres', url: story.database.url, retryAttempts: 0 }),
    SimpleQueueModule.forRoot({ ...QUICK, ...PATIENT }),
  ];
  const opened: INestApplication[] = [];
  afterEach(async () => {
    for (const app of opened.splice(0)) await app.close();
  });
  const create = async (root: Type): Promise<INestApplication> => {
    const app = await NestFactory.create(root, { logger: false, abortOnError: false });
    opened.push(app);
    return app.init();
  };
  /** A root module whose own hook does this. */
  const rooted = (
    hook: () => Promise<void> | void,
    imports = queueModules(),
    providers: Type[] = [],
  ): Type => {
    @Module({ imports, providers: [aHandler('work', () => 'done'), ...providers] })
    class Root implements OnApplicationBootstrap {
      async onApplicationBootstrap(): Promise<void> {
        await hook();
      }
    }
    return Root;
  };
  const fail = () => Promise.reject(new Error('No start today.'));

  it('comes after the hooks of all others, and before the application is up', async () => {
    const seen: unknown[] = [];
    const app = await create(rooted(async () => void seen.push(await leases())));
    expect([
      seen,
      (await leases()).length,
      app.get(QueueWorker, { strict: false }).isRunning,
    ]).toEqual([[[]], 1, true]);
    const { id } = await app.get(QueueService, { strict: false }).enqueue('work', 1);
    await expect(
      app.get(QueueService, { strict: false }).wait(id, { timeoutMs: 20_000 }),
    ).resolves.toMatchObject({
      output: 'done',
    });
  });

  it("comes where the root module's class has no hook of its own", async () => {
    const { queues, worker } = await story.start({ providers: [aHandler('work', () => 'done')] });
    expect(worker.isRunning).toBe(true);
    await queues.enqueue('work', 1);
  });

  it("does not come where the root module's own hook fails", async () => {
    await expect(create(rooted(fail))).rejects.toThrow('No start today.');
    expect(await leases()).toEqual([]);
  });

  it('does not come where a hook beside it fails, late', async () => {
    @Injectable()
    class Late implements OnApplicationBootstrap {
      async onApplicationBootstrap(): Promise<void> {
        await new Promise((resolve) => setImmediate(resolve));
        await fail();
      }
    }
    await expect(create(rooted(() => undefined, queueModules(), [Late]))).rejects.toThrow(
      'No start today.',
    );
    expect(await leases()).toEqual([]);
  });

  it('is that of all instances of the module, or of none', async () => {
    const other = SimpleQueueModule.forRoot({
      ...QUICK,
      ...PATIENT,
      name: 'other',
      schema: 'other',
    });
    const told: string[] = [];
    const hook = async () => {
      await story.database.query('alter table other.lease rename to lease_away');
      told.push('last');
    };
    await expect(create(rooted(hook, [...queueModules(), other]))).rejects.toMatchObject({
      code: 'DATABASE_ERROR',
    });
    expect([told, await leases()]).toEqual([['last'], []]);
  });

  it('may be asked for earlier', async () => {
    @Injectable()
    class Early implements OnApplicationBootstrap {
      answer: unknown;
      constructor(
        private readonly worker: QueueWorker,
        private readonly queues: QueueService,
      ) {}
      async onApplicationBootstrap(): Promise<void> {
        await this.worker.start();
        this.answer = await this.queues.enqueueAndWait('work', 1, { timeoutMs: 20_000 });
      }
    }
    const app = await create(rooted(() => undefined, queueModules(), [Early]));
    expect([app.get(Early).answer, (await leases()).length]).toEqual([
      expect.objectContaining({ output: 'done' }),
      1,
    ]);
  });
});
