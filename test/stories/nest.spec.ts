import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Catch,
  Inject,
  Injectable,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, REQUEST } from '@nestjs/core';
import { from, map, of, tap, throwError, timeout, type Observable } from 'rxjs';
import { z } from 'zod';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import { defineJob } from '../../lib/enqueue/define-job.js';
import { constant } from '../../lib/job/backoff.js';
import { Job } from '../../lib/job/job.js';
import { JobContext } from '../../lib/job/job-context.js';
import { JobResult } from '../../lib/job/job-result.js';
import { Permit } from '../../lib/job/permit.js';
import { getQueueContext } from '../../lib/handlers/queue-context.js';
import { aHandler, type TestApplication, failedLoops } from '../support/application.js';
import { aGate } from '../support/gate.js';
import { aStory, untilJobIs } from '../support/story.js';

const AT_ONCE = { backoff: constant({ delayMs: 0 }) };
const calls: string[] = [];
const story = aStory();
const start = (...providers: Type<unknown>[]): Promise<TestApplication> =>
  story.start({ providers });

afterEach(() => void calls.splice(0));

class Closed implements CanActivate {
  canActivate(): boolean {
    calls.push('guard');
    return false;
  }
}

/** Wraps what the method answers, as interceptors of HTTP answers do. */
class Wrapping implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next
      .handle()
      .pipe(map((output: unknown) => (output instanceof JobResult ? output : { wrapped: output })));
  }
}

/** Answers HTTP requests, and knows nothing of jobs. */
@Catch()
class HttpFilter implements ExceptionFilter {
  catch(): object {
    return { statusCode: 500 };
  }
}

const enhanced = (handler: Type<unknown>, ...decorators: ClassDecorator[]): Type<unknown> => {
  for (const decorate of decorators) decorate(handler);
  return handler;
};

describe('a handler that answers an Observable', () => {
  it('has done its work when that has ended: its last value is the output, its error fails the attempt', async () => {
    const emitting = (queue: string, options?: object): Type<unknown> =>
      aHandler(
        queue,
        ({ payload }: Job) =>
          from(payload as number[]).pipe(tap((n) => calls.push(`${queue} ${n}`))),
        options,
      );
    const failing = aHandler('broken', () => throwError(() => new Error('of the stream')), {
      maxAttempts: 1,
    });
    @Catch()
    class Decides implements ExceptionFilter {
      catch = (error: Error): JobResult<string> => JobResult.success(`told ${error.message}`);
    }
    const told = enhanced(
      aHandler('told', () => throwError(() => new Error('it'))),
      UseFilters(Decides),
    );
    const parsed = aHandler('parsed', () => of({ n: '1' }, { n: '2' }));
    const Numbers = defineJob({ queue: 'parsed', output: z.object({ n: z.coerce.number() }) });
    QueueHandler(Numbers)(parsed as never);
    const batch = aHandler(
      'batch',
      (jobs) => of((jobs as unknown as Job[]).map(({ payload }) => payload)),
      {
        batch: { size: 2 },
      },
    );
    const wrapped = enhanced(emitting('wrapped'), UseInterceptors(Wrapping));
    const written = emitting('written', { transactional: true });
    const application = await start(
      emitting('plain'),
      failing,
      told,
      parsed,
      batch,
      wrapped,
      written,
    );
    const end = async (queue: string, payload: unknown = [1, 2]) => {
      const { id } = await application.queues.enqueue(queue, payload);
      const { state, output, error } = await application.queues.wait(id);
      return error?.message ?? [state, output];
    };

    expect(await end('plain')).toEqual(['succeeded', 2]);
    expect(await end('plain', [])).toEqual(['succeeded', undefined]);
    expect(await end('wrapped')).toEqual(['succeeded', { wrapped: 2 }]);
    expect(await end('written')).toEqual(['succeeded', 2]);
    expect(await end('told')).toEqual(['succeeded', 'told it']);
    expect(await end('broken')).toBe('of the stream');
    expect(await end('parsed')).toEqual(['succeeded', { n: '2' }]);
    expect(await end('batch', 'b')).toEqual(['succeeded', 'b']);
    expect(calls).toEqual([
      'plain 1',
      'plain 2',
      'wrapped 1',
      'wrapped 2',
      'written 1',
      'written 2',
    ]);
    expect(application.seen('outputInvalid')).toEqual([]);
  });
});

describe('enhancers', () => {
  it('a guard that says no fails each attempt, and the operator sees why; acquire is asked before', async () => {
    const handler = aHandler('guarded', () => 'never', AT_ONCE);
    Object.defineProperty(handler.prototype, 'acquire', {
      value: () => (calls.push('acquire'), Permit.free),
    });
    const application = await start(enhanced(handler, UseGuards(Closed)));

    const { id } = await application.queues.enqueue('guarded', {}, { maxAttempts: 2 });

    expect(await untilJobIs('failed', application, id)).toMatchObject({
      attempt: 2,
      lastError: { name: 'ForbiddenException', message: 'Forbidden resource' },
    });
    expect(calls).toEqual(['acquire', 'guard', 'acquire', 'guard']);
  });

  it('beneath a template and a transaction: what is parsed, written and answered passes through', async () => {
    const Sums = defineJob({
      queue: 'sums',
      payload: z.object({ n: z.string().transform(Number) }),
      output: z.object({ wrapped: z.number() }),
    });
    class Summing {
      async process({ payload }: Job<{ n: number }>, { manager }: JobContext): Promise<never> {
        await manager.query('create table if not exists sums as select 1 as n');
        if (payload.n < 0) throw new Error('negative');
        return (payload.n + 1) as never;
      }
    }
    QueueHandler(Sums, { transactional: true, maxAttempts: 1 })(Summing);
    const application = await start(
      enhanced(Summing, UseInterceptors(Wrapping), UseFilters(HttpFilter)),
    );

    const bad = await application.queues.enqueue(Sums, { n: '-1' });
    expect(await untilJobIs('failed', application, bad.id)).toMatchObject({
      lastError: { message: 'negative' },
    });
    expect(await story.database.query(`select to_regclass('sums') as made`)).toEqual([
      { made: null },
    ]);

    const good = await application.queues.enqueue(Sums, { n: '1' });
    expect(await untilJobIs('succeeded', application, good.id)).toMatchObject({
      output: { wrapped: 2 },
    });
    expect(application.seen('outputInvalid')).toEqual([]);
    await story.database.query('drop table sums');
  });

  it('do not hold back timeouts, and a filter cannot take them back', async () => {
    const gate = aGate();
    @Catch()
    class Success implements ExceptionFilter {
      catch = (): JobResult<string> => JobResult.success('all is well');
    }
    const hanging = aHandler(
      'hanging',
      (_, { signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => (gate.open(), reject(signal.reason as Error))),
        ),
      { timeoutMs: 20, maxAttempts: 1 },
    );
    const application = await start(
      enhanced(hanging, UseInterceptors(Wrapping), UseFilters(Success)),
    );

    const { id } = await application.queues.enqueue('hanging', {});

    expect(await untilJobIs('failed', application, id)).toMatchObject({
      lastError: { code: 'JOB_TIMEOUT' },
    });
    await gate.passed;
    expect(application.seen('succeeded')).toEqual([]);
  });

  it('may time out, and choose what becomes of the job', async () => {
    class Impatient implements NestInterceptor {
      intercept = (_: ExecutionContext, next: CallHandler): Observable<unknown> =>
        next.handle().pipe(timeout(5));
    }
    @Catch()
    class Later implements ExceptionFilter {
      catch = (error: Error): JobResult<never> => JobResult.unprocessable(error.name);
    }
    const slow = aHandler('slow', () => new Promise(() => undefined));
    const application = await start(enhanced(slow, UseInterceptors(Impatient), UseFilters(Later)));

    const { id } = await application.queues.enqueue('slow', {});

    expect(await untilJobIs('unprocessable', application, id)).toMatchObject({
      lastError: { message: 'TimeoutError' },
    });
  });

  it('may make a success of a failure in a transaction that still stands', async () => {
    @Catch()
    class Success implements ExceptionFilter {
      catch = (error: Error): JobResult<string> => JobResult.success(error.message);
    }
    const handler = aHandler(
      'notes',
      async ({ payload }: Job<string>, { manager }) => {
        await manager.query('create table notes as select 1 as n');
        await manager.query(payload);
        throw new Error('after the writes');
      },
      { transactional: true, maxAttempts: 1 },
    );
    const application = await start(enhanced(handler, UseFilters(Success)));

    const broken = await application.queues.enqueue('notes', 'select nothing');
    await untilJobIs('failed', application, broken.id);
    const whole = await application.queues.enqueue('notes', 'select 1');

    expect(await untilJobIs('succeeded', application, whole.id)).toMatchObject({
      output: 'after the writes',
    });
    expect(await story.database.query('select n from notes')).toEqual([{ n: 1 }]);
    await story.database.query('drop table notes');
  });

  it('stand around a batch as a whole: its results stay with their jobs', async () => {
    class Looking implements NestInterceptor {
      intercept(host: ExecutionContext, next: CallHandler): Observable<unknown> {
        const { job, jobs, queue } = getQueueContext(host);
        calls.push(
          `${queue}: ${jobs.length} jobs, ${job === undefined ? 'no one job' : 'one job'}`,
        );
        return next.handle();
      }
    }
    @UseInterceptors(Looking)
    @QueueHandler('batches', { batch: { size: 2, lingerMs: 60_000 }, maxAttempts: 1 })
    class Batching {
      process(jobs: Job[]): unknown[] {
        return jobs.map(({ payload }) => (payload === 'bad' ? new Error('bad') : payload));
      }
    }
    const application = await start(Batching);

    const items = [{ payload: 'good' }, { payload: 'bad' }];
    const [good, bad] = await application.queues.enqueueMany('batches', items);

    expect(await untilJobIs('succeeded', application, good!.id)).toMatchObject({ output: 'good' });
    expect(await untilJobIs('failed', application, bad!.id)).toMatchObject({
      lastError: { message: 'bad' },
    });
    expect(calls).toEqual(['batches: 2 jobs, no one job']);
  });
});

describe('enhancers of the whole application', () => {
  const GLOBAL = [
    { provide: APP_INTERCEPTOR, useClass: Wrapping },
    { provide: APP_FILTER, useClass: HttpFilter },
  ];
  const handlers = (): Type<unknown>[] => [
    aHandler('plain', () => 'done'),
    enhanced(
      aHandler('own', () => 'done'),
      UseInterceptors(new Wrapping()),
    ),
  ];
  const outputsOf = async ({ queues }: TestApplication): Promise<unknown[]> =>
    (await Promise.all(['plain', 'own'].map((queue) => queues.enqueueAndWait(queue, {})))).map(
      ({ output }) => output,
    );

  it('do not stand around jobs, not even where a handler has its own', async () => {
    const closed = { provide: APP_GUARD, useClass: Closed };
    const application = await story.start({ providers: [...GLOBAL, closed, ...handlers()] });
    expect(await outputsOf(application)).toEqual(['done', { wrapped: 'done' }]);
    expect(calls).toEqual([]);
  });

  it('do when asked for', async () => {
    const options = { globalEnhancers: true };
    const failing = aHandler('failing', () => Promise.reject(new Error('original')), {
      maxAttempts: 1,
    });
    const application = await story.start({
      options,
      providers: [...GLOBAL, ...handlers(), failing],
    });
    expect(await outputsOf(application)).toEqual([
      { wrapped: 'done' },
      { wrapped: { wrapped: 'done' } },
    ]);
    expect(await application.queues.enqueueAndWait('failing', {})).toMatchObject({
      error: { message: 'original' },
    });
  });

  it('cannot be asked for where they are request-scoped', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest extends Closed {}
    const providers = [
      { provide: APP_GUARD, useClass: PerRequest },
      aHandler('plain', () => 'done'),
    ];
    await expect(
      story.start({ options: { globalEnhancers: true }, providers }),
    ).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('globalEnhancers: PerRequest of this application'),
    });
  });
});

describe('request scope', () => {
  it('a handler is made for each job; one that cannot be made fails its attempt, and the worker goes on', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Customer {
      readonly name: string;
      constructor(@Inject(REQUEST) { payload, attempt }: Job<{ name: string }>) {
        if (payload.name === 'nobody' && attempt === 1) throw new TypeError('no such customer');
        this.name = `${payload.name} ${attempt}`;
      }
    }
    @QueueHandler('greetings', AT_ONCE)
    class Greet {
      constructor(private readonly customer: Customer) {}
      process(): string {
        return `Hello, ${this.customer.name}`;
      }
    }
    const application = await start(Customer, Greet);
    const names = ['nobody', ...Array.from({ length: 50 }, (_, n) => `customer-${n}`)];

    const stored = await application.queues.enqueueMany(
      'greetings',
      names.map((name) => ({ payload: { name } })),
    );

    const jobs = await Promise.all(
      stored.map(({ id }) => untilJobIs('succeeded', application, id)),
    );
    expect(jobs.map(({ output }) => output)).toEqual(
      names.map((name, n) => `Hello, ${name} ${n === 0 ? 2 : 1}`),
    );
    expect(application.seen('retried')).toMatchObject([
      {
        error: {
          code: 'HANDLER_UNMADE',
          message: expect.stringContaining('Greet could not be created'),
        },
      },
    ]);
    expect(failedLoops(application)).toEqual([]);
  });
});
