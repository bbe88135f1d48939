import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Inject,
  Injectable,
  Scope,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { ContextIdFactory, REQUEST, type ContextId, type ContextIdStrategy } from '@nestjs/core';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import { Job } from '../../lib/job/job.js';
import { JobContext } from '../../lib/job/job-context.js';
import { Permit } from '../../lib/job/permit.js';
import { UnprocessableError } from '../../lib/job/queue.errors.js';
import type { Handler } from '../../lib/handlers/handler-registry.js';
import { handlersAmong } from '../support/an-explored-module.js';
import { eventually } from '../support/eventually.js';
import { aRun } from '../support/runs.js';

const aContext = {} as JobContext;
const handlerOf = async (...providers: Parameters<typeof handlersAmong>): Promise<Handler> =>
  (await handlersAmong(...providers)).all()[0]!;

/** What a job brought along, and who answered it. */
interface Answer {
  self: object;
  request: unknown;
}

@Injectable({ scope: Scope.REQUEST })
@QueueHandler('mail')
class PerJob {
  constructor(@Inject(REQUEST) private readonly request: unknown) {}

  process(): Answer {
    return { self: this, request: this.request };
  }
}

@Injectable({ scope: Scope.TRANSIENT })
class Helper {}

@Injectable({ scope: Scope.REQUEST })
class JobLog {
  constructor(
    @Inject(REQUEST) readonly request: unknown,
    readonly helper: Helper,
  ) {}
}

@QueueHandler('mail')
class Logging {
  constructor(readonly log: JobLog) {}

  process(): Answer {
    return { self: this, request: this.log.request };
  }
}

describe('a request-scoped handler', () => {
  it.each<[string, Parameters<typeof handlersAmong>]>([
    ['by itself', [PerJob]],
    ['by what it injects', [Logging, JobLog, Helper]],
    ['under another token', [{ provide: 'MAILER', useClass: PerJob }]],
    [
      'made by a factory',
      [
        {
          provide: PerJob,
          useFactory: (job: Job) => new PerJob(job),
          inject: [REQUEST],
          scope: Scope.REQUEST,
        },
      ],
    ],
  ])('%s is made for each job, with the job as REQUEST', async (_, providers) => {
    const { run } = await handlerOf(...providers);
    const [first, second] = [aRun(), aRun()];
    const answers = (await Promise.all([run(first, aContext), run(second, aContext)])) as Answer[];
    expect(answers.map(({ request }) => request)).toEqual([first, second]);
    expect(answers[0]!.self).not.toBe(answers[1]!.self);
  });

  it('has acquire asked of the instance that gets the job', async () => {
    @Injectable({ scope: Scope.REQUEST })
    @QueueHandler('mail')
    class Limited {
      private asked = 0;

      acquire(): Permit {
        this.asked++;
        return Permit.free;
      }

      process(): number {
        return this.asked;
      }
    }
    const { acquire, run } = await handlerOf(Limited);
    const [first, second] = [aRun(), aRun()];
    for (const job of [first, second]) expect(await acquire!(job)).toBe(Permit.free);
    expect(await Promise.all([run(first, aContext), run(second, aContext)])).toEqual([1, 1]);
  });

  it('is what a request-scoped enhancer makes of it; both know the same job', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class OfJob implements CanActivate {
      constructor(@Inject(REQUEST) private readonly request: unknown) {}
      canActivate = (context: ExecutionContext): boolean => context.getArgs()[0] === this.request;
    }
    @UseGuards(OfJob)
    @QueueHandler('mail')
    class Handled {
      process(): string {
        return 'done';
      }
    }
    const { run } = await handlerOf(Handled);
    expect(await Promise.all([run(aRun(), aContext), run(aRun(), aContext)])).toEqual([
      'done',
      'done',
    ]);
  });

  it('of batches is made for each call, with the jobs as REQUEST', async () => {
    const run = (await handlerOf(Batch)).run as unknown as (
      jobs: Job[],
      context: object,
    ) => Promise<Answer>;
    const jobs = [aRun(), aRun()];
    const [first, second] = [await run(jobs, aContext), await run([...jobs], aContext)];
    expect(first.request).toBe(jobs);
    expect(first.self).not.toBe(second.self);
  });

  it('of batches cannot be asked for permits of each job', async () => {
    @Injectable({ scope: Scope.REQUEST })
    @QueueHandler('mail', { batch: { size: 2 } })
    class Limited {
      acquire(): Permit {
        return Permit.free;
      }
      process(): void {}
    }
    await expect(handlersAmong(Limited)).rejects.toThrow(
      expect.objectContaining({ code: 'HANDLER_INVALID' }),
    );
  });

  it('is dropped after its job, with all that was made for it', async () => {
    const { run } = await handlerOf(Logging, JobLog, Helper);
    const made: WeakRef<object>[] = [];
    for (let n = 0; n < 200; n++) {
      const { self } = (await run(aRun(), aContext)) as Answer & { self: Logging };
      made.push(new WeakRef(self), new WeakRef(self.log), new WeakRef(self.log.helper));
    }
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    await eventually(() => {
      collect();
      expect(made.filter((each) => each.deref()).length).toBeLessThan(6);
    });
  });
});

@Injectable({ scope: Scope.REQUEST })
@QueueHandler('mail', { batch: { size: 2 } })
class Batch {
  constructor(@Inject(REQUEST) private readonly request: unknown) {}

  process(): Promise<never> {
    return Promise.resolve({ self: this, request: this.request } as never);
  }
}

describe('a handler that cannot be made', () => {
  class NoTenant extends Error {}

  const failing = (error: unknown): Promise<Handler> => {
    @Injectable({ scope: Scope.REQUEST })
    @QueueHandler('mail')
    class Failing {
      constructor() {
        throw error;
      }
      acquire(): void {}
      process(): void {}
    }
    return handlerOf(Failing);
  };

  it('fails the run, or the question for a permit, with its name and where it failed', async () => {
    const { run, acquire } = await failing(new NoTenant('no such tenant'));
    const job = aRun();
    const unmade = {
      code: 'HANDLER_UNMADE',
      message: expect.stringContaining(
        `Failing could not be created for job ${job.id} of queue "work": Error: no such tenant`,
      ),
      stack: expect.stringContaining('Caused by: Error: no such tenant'),
      cause: expect.any(NoTenant),
    };
    await expect(run(job, aContext)).rejects.toMatchObject(unmade);
    await expect(acquire!(job)).rejects.toMatchObject(unmade);
  });

  it('may say itself what becomes of the job', async () => {
    const error = new UnprocessableError('not of any tenant');
    await expect((await failing(error)).run(aRun(), aContext)).rejects.toBe(error);
  });
});

describe('a ContextIdStrategy', () => {
  afterEach(() => ContextIdFactory.apply(undefined as never));

  class ByTenant implements ContextIdStrategy<Job> {
    private readonly tenants = new Map<string, ContextId>();

    attach(contextId: ContextId, { headers: { tenant = '' } }: Job) {
      if (tenant === '') throw new Error('no tenant');
      const shared = this.tenants.get(tenant) ?? ContextIdFactory.create();
      this.tenants.set(tenant, shared);
      return {
        resolve: ({ isTreeDurable }: { isTreeDurable: boolean }) =>
          isTreeDurable ? shared : contextId,
        payload: { tenant },
      };
    }
  }

  @Injectable({ scope: Scope.REQUEST, durable: true })
  class TenantStore {
    constructor(@Inject(REQUEST) readonly request: unknown) {}
  }

  @QueueHandler('mail')
  class Durable {
    constructor(readonly store: TenantStore) {}

    process(): Answer {
      return { self: this, request: this.store.request };
    }
  }

  const jobOf = (tenant: string): Job => aRun({ options: JSON.stringify({ headers: { tenant } }) });

  it('gives all jobs of a tenant one handler, which knows the tenant and keeps no job', async () => {
    ContextIdFactory.apply(new ByTenant());
    const { run } = await handlerOf(Durable, TenantStore);
    const answers: Answer[] = [];
    for (const tenant of ['ann', 'bob', 'ann'])
      answers.push((await run(jobOf(tenant), aContext)) as Answer);
    expect(answers.map(({ request }) => request)).toEqual([
      { tenant: 'ann' },
      { tenant: 'bob' },
      { tenant: 'ann' },
    ]);
    expect(answers[2]!.self).toBe(answers[0]!.self);
    expect(answers[1]!.self).not.toBe(answers[0]!.self);
  });

  it('gives each job a handler of its own that shares what is durable', async () => {
    ContextIdFactory.apply(new ByTenant());
    @QueueHandler('mail')
    class Mixed {
      constructor(
        readonly store: TenantStore,
        readonly log: JobLog,
      ) {}
      process(): Answer & { store: TenantStore } {
        return { self: this, request: this.log.request, store: this.store };
      }
    }
    const { run } = await handlerOf(Mixed, TenantStore, JobLog, Helper);
    const jobs = [jobOf('ann'), jobOf('ann')];
    const answers: (Answer & { store: TenantStore })[] = [];
    for (const job of jobs) answers.push((await run(job, aContext)) as (typeof answers)[number]);
    expect(answers.map(({ request }) => request)).toEqual(jobs);
    expect(answers[0]!.self).not.toBe(answers[1]!.self);
    expect(answers[0]!.store).toBe(answers[1]!.store);
  });

  it('that fails, fails the run', async () => {
    ContextIdFactory.apply(new ByTenant());
    const { run } = await handlerOf(Durable, TenantStore);
    await expect(run(aRun(), aContext)).rejects.toMatchObject({
      code: 'HANDLER_UNMADE',
      message: expect.stringContaining('Error: no tenant'),
    });
  });
});
