import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  Catch,
  ForbiddenException,
  Injectable,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { catchError, EMPTY, map, of, retry, throwError, type Observable } from 'rxjs';
import { HandleJob } from '../../lib/decorators/handle-job.decorator.js';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import { Job } from '../../lib/job/job.js';
import { JobContext } from '../../lib/job/job-context.js';
import { JobResult } from '../../lib/job/job-result.js';
import { Permit } from '../../lib/job/permit.js';
import type { Handler, HandlerRegistry } from '../../lib/handlers/handler-registry.js';
import { getQueueContext, type QueueContextType } from '../../lib/handlers/queue-context.js';
import { anExploredModule, handlersAmong } from '../support/an-explored-module.js';
import { aRun } from '../support/runs.js';

const aContext = {} as JobContext;
const notes: string[] = [];
const only = (registry: HandlerRegistry): Handler => registry.all()[0]!;
const runOf = async (
  handler: new (...args: never[]) => object,
  job: Job = aRun({ payload: '"5"' }),
): Promise<unknown> => only(await handlersAmong(handler as never, Notebook)).run(job, aContext);

beforeEach(() => void notes.splice(0));

@Injectable()
class Notebook {
  note(text: string): void {
    notes.push(text);
  }
}

@Injectable()
class Guard implements CanActivate {
  constructor(private readonly notebook: Notebook) {}

  canActivate(context: ExecutionContext): boolean {
    this.notebook.note(`guard of ${context.getClass().name}.${context.getHandler().name}`);
    return true;
  }
}

class Closed implements CanActivate {
  canActivate = (): boolean => false;
}

@Injectable()
class Around implements NestInterceptor {
  constructor(private readonly notebook: Notebook) {}

  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    this.notebook.note('before');
    return next.handle().pipe(map((answer: unknown) => [answer]));
  }
}

@Injectable()
class ToNumber implements PipeTransform<string, number> {
  constructor(private readonly notebook: Notebook) {}

  transform(value: string): number {
    this.notebook.note(`pipe of ${typeof value}`);
    return Number(value);
  }
}

const interceptor = (intercept: NestInterceptor['intercept']): NestInterceptor => ({ intercept });

function filter(answer: (error: Error, host: ArgumentsHost) => unknown): ExceptionFilter {
  @Catch()
  class Filter {
    catch = answer;
  }
  return new Filter();
}

it('a handler without enhancers is called itself: nothing stands between', async () => {
  const itself = (): void => undefined;
  @QueueHandler('mail')
  class Plain {
    process = Object.assign(() => undefined, { bind: () => itself });
  }
  expect(only(await handlersAmong(Plain)).run).toBe(itself);
});

describe('enhancers', () => {
  it("stand around the method in Nest's order, the class's outside of the method's", async () => {
    @UseGuards(Guard)
    @QueueHandler('mail')
    class Handled {
      @UseInterceptors(Around)
      @UsePipes(ToNumber)
      @HandleJob('welcome')
      welcome(job: Job): unknown {
        notes.push(`method with ${JSON.stringify(job.payload)}`);
        return job.payload;
      }
    }
    expect(await runOf(Handled)).toEqual([5]);
    expect(notes).toEqual([
      'guard of Handled.welcome',
      'before',
      'pipe of string',
      'method with 5',
    ]);
  });

  it('leave acquire out', async () => {
    @UseGuards(Closed)
    @QueueHandler('mail')
    class Limited {
      acquire = (): Permit => Permit.free;
      process(): void {}
    }
    const { acquire, run } = only(await handlersAmong(Limited));
    expect(acquire!(aRun())).toBe(Permit.free);
    await expect(run(aRun(), aContext)).rejects.toThrow(
      new ForbiddenException('Forbidden resource'),
    );
  });

  it('are asked for what they are called about', async () => {
    let seen: unknown;
    const look = interceptor((context, next) => {
      seen = [context.getType<QueueContextType>(), getQueueContext(context)];
      return next.handle();
    });
    @UseInterceptors(look)
    @QueueHandler('mail')
    class Looked {
      process(): void {}
    }
    const job = aRun();
    await runOf(Looked, job);
    expect(seen).toEqual([
      'queue',
      { queue: 'work', name: '', job, jobs: [job], context: aContext },
    ]);
  });

  it('know nothing of jobs in calls of other kinds', () => {
    const host = { getType: () => 'http' } as unknown as ArgumentsHost;
    expect(() => getQueueContext(host)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    );
  });

  it('of a transient class are made for each handler', async () => {
    let made = 0;
    @Injectable({ scope: Scope.TRANSIENT })
    class Counting implements CanActivate {
      private readonly nth = ++made;
      canActivate = (): boolean => notes.push(`guard ${this.nth}`) > 0;
    }
    @UseGuards(Counting)
    @QueueHandler('mail')
    class First {
      process(): void {}
    }
    @UseGuards(Counting)
    @QueueHandler('letters')
    class Second {
      process(): void {}
    }
    const registry = await handlersAmong(First, Second);
    for (const { run } of registry.all()) await run(aRun(), aContext);
    expect(notes).toEqual(['guard 1', 'guard 2']);
  });

  it.each([
    ['a factory', { provide: 'GUARDED', useFactory: () => new Guarded() }],
    ['a value', { provide: 'GUARDED', useValue: {} }],
  ])('are never skipped in silence where Nest does not make them: for %s', async (_, provider) => {
    if ('useValue' in provider) provider.useValue = new Guarded();
    await expect(handlersAmong(provider, Notebook)).rejects.toThrow(
      expect.objectContaining({
        code: 'HANDLER_INVALID',
        message: expect.stringContaining('names Guard, which Nest has not created'),
      }),
    );
  });

  it('run for a class that is provided under another token, and for instances that are given', async () => {
    const registry = await handlersAmong({ provide: 'GUARDED', useClass: Guarded }, Notebook);
    await only(registry).run(aRun(), aContext);
    expect(notes).toEqual(['guard of Guarded.process']);

    UseGuards(new Closed())(AlsoGuarded);
    const { run } = only(
      await handlersAmong({ provide: 'ALSO', useFactory: () => new AlsoGuarded() }),
    );
    await expect(run(aRun(), aContext)).rejects.toThrow('Forbidden resource');
  });
});

describe('a test', () => {
  const overridden = async (
    overriding: Parameters<typeof anExploredModule>[2],
  ): Promise<unknown> => {
    const explored = await anExploredModule(
      { providers: [Guarded, Notebook] },
      ['default'],
      overriding,
    );
    return only(explored.get('default')!.registry).run(aRun(), aContext);
  };

  it('replaces a guard', async () => {
    const instead = { canActivate: () => false };
    await expect(
      overridden((builder) => builder.overrideGuard(Guard).useValue(instead)),
    ).rejects.toThrow('Forbidden resource');
  });

  it('replaces the handler: by a value without its enhancers, by a subclass with them', async () => {
    const instead = { process: () => 'instead' };
    expect(await overridden((builder) => builder.overrideProvider(Guarded).useValue(instead))).toBe(
      'instead',
    );
    expect(notes).toEqual([]);
    await overridden((builder) =>
      builder.overrideProvider(Guarded).useClass(class Better extends Guarded {}),
    );
    expect(notes).toEqual(['guard of Better.process']);
  });
});

@UseGuards(Guard)
@QueueHandler('mail')
class Guarded {
  process(): void {}
}

@QueueHandler('mail')
class AlsoGuarded {
  process(): void {}
}

describe('an interceptor', () => {
  const answering = (around: NestInterceptor, answer: () => unknown): Promise<unknown> => {
    @UseInterceptors(around)
    @QueueHandler('mail')
    class Answering {
      process = answer;
    }
    return runOf(Answering);
  };

  it('lets a JobResult through unharmed', async () => {
    const result = JobResult.rescheduleIn(5);
    expect(
      await answering(
        interceptor((_, next) => next.handle()),
        () => result,
      ),
    ).toBe(result);
  });

  it('may answer instead of the method, or for its error', async () => {
    expect(
      await answering(
        interceptor(() => of('instead')),
        () => notes.push('called'),
      ),
    ).toBe('instead');
    expect(notes).toEqual([]);
    const forgiving = interceptor((_, next) =>
      next.handle().pipe(catchError(() => of('forgiven'))),
    );
    expect(await answering(forgiving, () => Promise.reject(new Error('no')))).toBe('forgiven');
  });

  it('may call the method again within the attempt', async () => {
    let calls = 0;
    const again = interceptor((_, next) => next.handle().pipe(retry(2)));
    expect(
      await answering(again, () => (++calls < 3 ? Promise.reject(new Error('no')) : calls)),
    ).toBe(3);
  });

  it('that never answers fails the attempt', async () => {
    await expect(
      answering(
        interceptor(() => EMPTY),
        () => 1,
      ),
    ).rejects.toThrow('no elements in sequence');
  });
});

describe('a pipe', () => {
  it('gets the payload each time the method is called, and not its own answer', async () => {
    const again = interceptor((_, next) => next.handle().pipe(retry(1)));
    @UseInterceptors(again)
    @UsePipes({ transform: (value: string) => `${value}!` })
    @QueueHandler('mail')
    class Twice {
      process(job: Job): never {
        notes.push(String(job.payload));
        throw new Error('no');
      }
    }
    await expect(runOf(Twice)).rejects.toThrow('no');
    expect(notes).toEqual(['5!', '5!']);
  });

  it('gets it as a body, so that checking pipes take it for what comes from outside', async () => {
    const transform = jest.fn((value: unknown, _metadata: unknown) => value);
    @UsePipes({ transform })
    @QueueHandler('mail')
    class Piped {
      process(): void {}
    }
    await runOf(Piped);
    expect(transform).toHaveBeenCalledWith(
      '5',
      expect.objectContaining({ type: 'body', metatype: undefined }),
    );
  });

  it('is refused for batches: one bad payload would fail them all', async () => {
    @UsePipes(ToNumber)
    @QueueHandler('mail', { batch: { size: 2 } })
    class Batch {
      process(): void {}
    }
    await expect(handlersAmong(Batch, Notebook)).rejects.toThrow(
      expect.objectContaining({ code: 'HANDLER_INVALID' }),
    );
  });
});

describe('a filter', () => {
  const failing = (
    given: ExceptionFilter,
    error: Error = new Error('original'),
  ): Promise<unknown> => {
    @UseFilters(given)
    @QueueHandler('mail')
    class Failing {
      process(): never {
        throw error;
      }
    }
    return runOf(Failing);
  };

  it('decides by a JobResult, given now, later or in an observable', async () => {
    const result = JobResult.cancel('nobody wants it');
    expect(await failing(filter(() => result))).toBe(result);
    expect(await failing(filter(() => Promise.resolve(result)))).toBe(result);
    expect(await failing(filter(() => of(result)))).toBe(result);
  });

  it.each<[string, () => unknown]>([
    ['nothing', () => undefined],
    ['a value', () => ({ message: 'all is well' })],
    ['an observable of a value', () => of('all is well')],
    ['an empty observable', () => EMPTY],
  ])('that returns %s makes no success of a failure', async (_, answer) => {
    await expect(failing(filter(answer))).rejects.toThrow('original');
  });

  it('may throw another error instead', async () => {
    const other = new Error('other');
    await expect(
      failing(
        filter(() => {
          throw other;
        }),
      ),
    ).rejects.toBe(other);
    await expect(failing(filter(() => throwError(() => other)))).rejects.toBe(other);
  });

  it('takes what it names, from guards too, and knows the job', async () => {
    @Catch(ForbiddenException)
    class Forbidden implements ExceptionFilter {
      catch(error: Error, host: ArgumentsHost): JobResult<never> {
        return JobResult.unprocessable(`${getQueueContext(host).queue}: ${error.message}`);
      }
    }
    await expect(failing(new Forbidden())).rejects.toThrow('original');
    @UseFilters(Forbidden)
    @UseGuards(Closed)
    @QueueHandler('mail')
    class Guarded {
      process(): void {}
    }
    expect(await runOf(Guarded)).toEqual(JobResult.unprocessable('work: Forbidden resource'));
  });
});
