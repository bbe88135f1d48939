import { describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Module, Scope } from '@nestjs/common';
import { z } from 'zod';
import { HandleJob } from '../../lib/decorators/handle-job.decorator.js';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import { defineJob } from '../../lib/enqueue/define-job.js';
import { custom } from '../../lib/job/backoff.js';
import { Job } from '../../lib/job/job.js';
import { JobContext } from '../../lib/job/job-context.js';
import type { QueueHandlerOptions } from '../../lib/job/job-handler.js';
import { Permit } from '../../lib/job/permit.js';
import { QueueEventBus } from '../../lib/observability/events.js';
import type { Handler, HandlerRegistry } from '../../lib/handlers/handler-registry.js';
import { templated } from '../../lib/handlers/templated-handler.js';
import { anExploredModule, handlersAmong } from '../support/an-explored-module.js';

const aJob = { id: '1', queue: 'mail', name: '', payload: { to: 'you' } } as Job;
const aContext = {} as JobContext;

@QueueHandler('mail')
class Mailer {
  readonly sent: unknown[] = [];

  process(job: Job, context: JobContext): number {
    return this.sent.push([job, context]);
  }
}

/** Each handler as `queue/name -> Class.method`. */
function shown(registry: HandlerRegistry): string[] {
  return registry.all().map(({ queue, name, label }) => `${queue}/${name ?? '*'} -> ${label}`);
}

function only(registry: HandlerRegistry): Handler {
  expect(registry.all()).toHaveLength(1);
  return registry.all()[0]!;
}

const stopsWith = (code: string, message: RegExp | string): unknown =>
  expect.objectContaining({
    name: 'QueueError',
    code,
    message:
      typeof message === 'string'
        ? expect.stringContaining(message)
        : expect.stringMatching(message),
  });

describe('a handler is found', () => {
  it.each<[string, Parameters<typeof handlersAmong>[0]]>([
    ['by its class alone', Mailer],
    ['by useClass', { provide: 'MAILER', useClass: Mailer }],
    ['by useValue', { provide: 'MAILER', useValue: new Mailer() }],
    ['by useFactory', { provide: 'MAILER', useFactory: () => new Mailer() }],
    [
      'by an asynchronous useFactory',
      { provide: 'MAILER', useFactory: () => Promise.resolve(new Mailer()) },
    ],
    [
      'by a useFactory that injects',
      { provide: 'MAILER', inject: ['SENDER'], useFactory: () => new Mailer() },
    ],
    [
      'by a subclass that replaces it',
      { provide: Mailer, useClass: class BetterMailer extends Mailer {} },
    ],
  ])('%s', async (_, provider) => {
    const registry = await handlersAmong(provider, { provide: 'SENDER', useValue: 'you' });
    expect(only(registry)).toMatchObject({ queue: 'mail', name: undefined });
  });

  it('once, although an alias names it too', async () => {
    const registry = await handlersAmong(Mailer, { provide: 'ALIAS', useExisting: Mailer });
    expect(shown(registry)).toEqual(['mail/* -> Mailer.process']);
  });

  it('in any module of the application', async () => {
    @Module({ providers: [Mailer] })
    class MailModule {}
    @Module({ imports: [MailModule] })
    class FeatureModule {}
    const explored = await anExploredModule({ imports: [FeatureModule] });
    expect(shown(explored.get('default')!.registry)).toEqual(['mail/* -> Mailer.process']);
  });

  it('with what it injects', async () => {
    @QueueHandler('mail')
    class Injecting {
      constructor(@Inject('SENDER') private readonly sender: string) {}
      process(): string {
        return this.sender;
      }
    }
    const registry = await handlersAmong(Injecting, { provide: 'SENDER', useValue: 'you' });
    expect(only(registry).run(aJob, aContext)).toBe('you');
  });

  it('in a plain object that stands in for the class', async () => {
    const registry = await handlersAmong({
      provide: Mailer,
      useValue: { process: () => 'stand-in' },
    });
    expect(only(registry).run(aJob, aContext)).toBe('stand-in');
  });

  it('with a process that is a property', async () => {
    @QueueHandler('mail')
    class Arrow {
      private readonly answer = 5;
      process = (): number => this.answer;
    }
    expect(only(await handlersAmong(Arrow)).run(aJob, aContext)).toBe(5);
  });

  it('and nothing is found among providers of other kinds', async () => {
    const others = [
      undefined,
      null,
      0,
      'text',
      {},
      [],
      () => 1,
      Object.create(null),
      class Plain {},
    ];
    const providers = others.map((useValue, index) => ({
      provide: `OTHER_${index}`,
      useValue: useValue as unknown,
    }));
    for (const useValue of [null, {}])
      providers.push({ provide: class extends Mailer {} as never, useValue });
    expect(shown(await handlersAmong(...providers))).toEqual([]);
  });
});

describe('run', () => {
  it('calls the method of the instance with the job and its context', async () => {
    const mailer = new Mailer();
    const registry = await handlersAmong({ provide: 'MAILER', useValue: mailer });
    only(registry).run(aJob, aContext);
    expect(mailer.sent).toEqual([[aJob, aContext]]);
  });

  it('is the bound method itself: nothing stands between', async () => {
    expect(only(await handlersAmong(Mailer)).run.name).toBe('bound process');
  });
});

describe('acquire', () => {
  @QueueHandler('mail')
  class Limited extends Mailer {
    private readonly permit = new Permit(() => undefined);
    acquire(): Permit {
      return this.permit;
    }
  }

  it('is bound to the instance', async () => {
    expect(only(await handlersAmong(Limited)).acquire?.(aJob)).toBeInstanceOf(Permit);
  });

  it('is left out where the class has none', async () => {
    expect(only(await handlersAmong(Mailer)).acquire).toBeUndefined();
  });
});

describe('@HandleJob methods', () => {
  @QueueHandler('mail', { concurrency: 7, maxAttempts: 2, instance: 'default' })
  class Letters {
    @HandleJob('welcome', { maxAttempts: 9, concurrency: undefined })
    welcome(): string {
      return 'welcome';
    }

    @HandleJob('goodbye')
    @HandleJob('farewell')
    goodbye(): string {
      return 'goodbye';
    }

    process(): string {
      return 'rest';
    }
  }

  it('take their names, and process() the others', async () => {
    const registry = await handlersAmong(Letters);
    const answers = ['welcome', 'goodbye', 'farewell', 'birthday', ''].map((name) =>
      registry.find('mail', name)?.run(aJob, aContext),
    );
    expect(answers).toEqual(['welcome', 'goodbye', 'goodbye', 'rest', 'rest']);
  });

  it("take from the class's options what their own leave out", async () => {
    const registry = await handlersAmong(Letters);
    expect(registry.find('mail', 'welcome')?.options).toEqual({ concurrency: 7, maxAttempts: 9 });
    expect(registry.find('mail', 'goodbye')?.options).toEqual({ concurrency: 7, maxAttempts: 2 });
  });

  it('need no process() beside them', async () => {
    @QueueHandler('mail')
    class Named {
      @HandleJob('welcome')
      welcome(): void {}
    }
    expect(shown(await handlersAmong(Named))).toEqual(['mail/welcome -> Named.welcome']);
  });

  it('may share a queue with another class, by other names', async () => {
    @QueueHandler('mail')
    class Named {
      @HandleJob('welcome')
      welcome(): void {}
    }
    expect(shown(await handlersAmong(Named, Mailer)).sort()).toEqual([
      'mail/* -> Mailer.process',
      'mail/welcome -> Named.welcome',
    ]);
  });

  it('are inherited, also when a subclass overrides them', async () => {
    @QueueHandler('letters')
    class Kinder extends Letters {
      override welcome(): string {
        return 'a warm welcome';
      }
    }
    const registry = await handlersAmong(Kinder);
    expect(registry.find('letters', 'welcome')?.run(aJob, aContext)).toBe('a warm welcome');
    expect(registry.find('letters', 'goodbye')?.label).toBe('Kinder.goodbye');
  });

  it('are found behind a decorator that replaces the function', async () => {
    const replaced: MethodDecorator = (_target, _key, descriptor) =>
      ({ ...descriptor, value: () => 'replaced' }) as unknown as typeof descriptor;
    @QueueHandler('mail')
    class Wrapped {
      @replaced
      @HandleJob('welcome')
      welcome(): string {
        return 'original';
      }
    }
    expect(only(await handlersAmong(Wrapped)).run(aJob, aContext)).toBe('replaced');
  });
});

describe('options of a handler', () => {
  it('may hold a custom backoff, transactional and everything else', async () => {
    const options: QueueHandlerOptions = {
      concurrency: 1,
      maxAttempts: 5,
      timeoutMs: 100,
      transactional: true,
      backoff: custom(() => 5),
    };
    @QueueHandler('mail', options)
    class Full extends Mailer {}
    expect(only(await handlersAmong(Full)).options).toEqual(options);
  });

  it('cannot be changed afterwards', async () => {
    expect(Object.isFrozen(only(await handlersAmong(Mailer)).options)).toBe(true);
  });
});

describe('a handler of batches', () => {
  it('is the class for process() alone, and a method for itself: nothing is inherited', async () => {
    @QueueHandler('mail', { batch: { size: 5 }, timeoutMs: 100 })
    class Batches {
      process(): void {}
      @HandleJob('one')
      one(): void {}
      @HandleJob('many', { batch: { size: 9, lingerMs: 5 } })
      many(): void {}
    }
    const registry = await handlersAmong(Batches);
    const options = ['', 'one', 'many'].map((name) => registry.find('mail', name)!.options);
    expect(options).toEqual([
      { batch: { size: 5 }, timeoutMs: 100 },
      { timeoutMs: 100 },
      { batch: { size: 9, lingerMs: 5 }, timeoutMs: 100 },
    ]);
  });
});

describe('the start stops', () => {
  it('when a class takes batches and has no process()', async () => {
    const options: QueueHandlerOptions = { batch: { size: 5 } };
    @QueueHandler('mail', options)
    class Batchless {
      @HandleJob('one')
      one(): void {}
    }
    await expect(handlersAmong(Batchless)).rejects.toThrow(
      stopsWith('HANDLER_INVALID', 'has `batch` but no process()'),
    );
  });

  it('when a handler is transactional and takes batches', async () => {
    @QueueHandler('mail', { transactional: true })
    class Both {
      @HandleJob('many', { batch: { size: 5 } })
      many(): void {}
    }
    await expect(handlersAmong(Both)).rejects.toThrow(
      stopsWith('HANDLER_INVALID', 'do not go together'),
    );
  });

  it('when two classes take the same pattern', async () => {
    @QueueHandler('mail.*')
    class One extends Mailer {}
    @QueueHandler('mail.*')
    class Other extends Mailer {}
    await expect(handlersAmong(One, Other)).rejects.toThrow(
      stopsWith('HANDLER_DUPLICATE', /"mail\.\*".*One\.process and Other/),
    );
  });

  it.each([
    [
      'batch: { size: 0 }',
      { batch: { size: 0 } },
      'batch.size must be a whole number from 1 to 1,000, not 0',
    ],
    ['batch: {}', { batch: {} }, 'batch.size is missing'],
    [
      'batch: { size: 2, lingerMs: -1 }',
      { batch: { size: 2, lingerMs: -1 } },
      'batch.lingerMs must be a whole number from 0 to 60,000',
    ],
    ['a range without an end', { concurrency: { min: 2 } }, 'concurrency.max is missing'],
    [
      'a range from more to less',
      { concurrency: { min: 3, max: 2 } },
      'concurrency must be a range whose min is not above its max',
    ],
    [
      'a range of nothing',
      { concurrency: { min: 0, max: 2 } },
      'concurrency.min must be a whole number from 1 to 10,000, not 0',
    ],
  ])('when options have %s', async (_, options, problem) => {
    @QueueHandler('mail', options as QueueHandlerOptions)
    class Wrong extends Mailer {}
    await expect(handlersAmong(Wrong)).rejects.toThrow(stopsWith('HANDLER_INVALID', problem));
  });

  it('when a class has neither process() nor a @HandleJob method', async () => {
    @QueueHandler('mail')
    class Empty {}
    await expect(handlersAmong(Empty)).rejects.toThrow(
      stopsWith('HANDLER_INVALID', /^Empty \(in RootTestModule\) has no process\(\)/),
    );
  });

  it('when process is no method', async () => {
    @QueueHandler('mail')
    class Wrong {
      process = 'later';
    }
    await expect(handlersAmong(Wrong)).rejects.toThrow(
      stopsWith('HANDLER_INVALID', 'has no process()'),
    );
  });

  it.each<[string, (...args: never[]) => unknown]>([
    [
      'a generator',
      function* () {
        yield 1;
      },
    ],
    [
      'an asynchronous one',
      async function* () {
        yield await Promise.resolve(1);
      },
    ],
  ])(
    'when process is %s: calling it would do nothing, and the job would succeed',
    async (_, process) => {
      @QueueHandler('mail')
      class Wrong {}
      Object.assign(Wrong.prototype, { process });
      await expect(handlersAmong(Wrong)).rejects.toThrow(
        stopsWith('HANDLER_INVALID', 'process(), which is a generator'),
      );
    },
  );

  it('when two classes take the same jobs of a queue', async () => {
    @QueueHandler('mail')
    class Second extends Mailer {}
    await expect(handlersAmong(Mailer, Second)).rejects.toThrow(
      stopsWith('HANDLER_DUPLICATE', /Mailer\.process and Second\.process/),
    );
  });

  it('when two methods take the same name', async () => {
    @QueueHandler('mail')
    class Twice {
      @HandleJob('welcome')
      one(): void {}
      @HandleJob('welcome')
      two(): void {}
    }
    await expect(handlersAmong(Twice)).rejects.toThrow(
      stopsWith('HANDLER_DUPLICATE', /Twice\.one and Twice\.two/),
    );
  });

  it('when one class is provided by two modules, and says which', async () => {
    @Module({ providers: [Mailer] })
    class MailModule {}
    @Module({ providers: [Mailer] })
    class OrderModule {}
    const start = anExploredModule({ imports: [MailModule, OrderModule] });
    await expect(start).rejects.toThrow(
      stopsWith('HANDLER_DUPLICATE', 'Mailer is provided by MailModule and by OrderModule'),
    );
  });

  it('when a handler is transient', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    @QueueHandler('mail')
    class Transient extends Mailer {}
    await expect(handlersAmong(Transient)).rejects.toThrow(
      stopsWith('HANDLER_INVALID', 'is transient'),
    );
  });

  it('when @HandleJob stands in a class without @QueueHandler', async () => {
    class Forgotten {
      @HandleJob('welcome')
      welcome(): void {}
    }
    await expect(handlersAmong(Forgotten)).rejects.toThrow(
      stopsWith('HANDLER_INVALID', /welcome\(\), but no @QueueHandler\(queue\)/),
    );
  });

  it('with every wrong name and option of a class at once', async () => {
    @QueueHandler('two words', { concurency: 5, maxAttempts: 0 } as QueueHandlerOptions)
    class Wrong {
      @HandleJob('', { backoff: 5 as never, timeoutMs: -1 })
      welcome(): void {}
    }
    const error: Error = await handlersAmong(Wrong).then(
      () => new Error('It started.'),
      (reason: Error) => reason,
    );
    expect(error).toMatchObject({ code: 'HANDLER_INVALID' });
    expect(error.message.split('\n- ').slice(1)).toEqual([
      expect.stringContaining('@QueueHandler: "two words" is not a queue name'),
      '@QueueHandler options.concurency is not known (did you mean "concurrency"?)',
      '@QueueHandler options.maxAttempts must be a whole number from 1 to 1,000, not 0',
      '@HandleJob of welcome() must be a name: jobs without one go to process(), not ""',
      expect.stringContaining('@HandleJob of welcome() options.backoff: make one with constant()'),
      '@HandleJob of welcome() options.timeoutMs must be a whole number from 1 to 86,400,000, not -1',
    ]);
  });

  it.each([null, 5, 'mail'])('when options are %p', async (options) => {
    @QueueHandler('mail', options as unknown as QueueHandlerOptions)
    class Wrong extends Mailer {}
    await expect(handlersAmong(Wrong)).rejects.toThrow(
      stopsWith('HANDLER_INVALID', '@QueueHandler options must be an object'),
    );
  });

  it('when a handler is for an instance that does not exist', async () => {
    @QueueHandler('mail', { instance: 'report' })
    class Lost extends Mailer {}
    const start = anExploredModule({ providers: [Lost] }, ['default', 'reports']);
    await expect(start).rejects.toThrow(
      stopsWith(
        'HANDLER_INVALID',
        /instance "report", and there is none\. Known: "default", "reports"/,
      ),
    );
  });

  it('when the module is set up twice under one name', async () => {
    await expect(anExploredModule({}, ['default', 'default'])).rejects.toThrow(
      stopsWith('MODULE_INVALID', 'set up twice with the name "default"'),
    );
  });
});

describe('several instances of the module', () => {
  it('take each their own handlers, of the same queue too', async () => {
    @QueueHandler('mail', { instance: 'reports' })
    class ReportMailer extends Mailer {}
    const explored = await anExploredModule({ providers: [Mailer, ReportMailer] }, [
      'default',
      'reports',
    ]);
    expect([...explored.values()].map(({ registry }) => shown(registry))).toEqual([
      ['mail/* -> Mailer.process'],
      ['mail/* -> ReportMailer.process'],
    ]);
  });

  it('in two applications of one process do not meet', async () => {
    const [one, other] = await Promise.all([handlersAmong(Mailer), handlersAmong()]);
    expect([shown(one), shown(other)]).toEqual([['mail/* -> Mailer.process'], []]);
  });
});

describe('a handler of a template', () => {
  const Welcome = defineJob({
    queue: 'mail',
    name: 'welcome',
    payload: z.object({ to: z.string() }),
  });
  const Nameless = defineJob<{ to: string }>()({ queue: 'mail' });

  it('takes the jobs of its template and no others', async () => {
    QueueHandler(Welcome)(Template);
    QueueHandler(Nameless)(OtherTemplate);
    const registry = await handlersAmong(Template, OtherTemplate, Mailer);
    expect(shown(registry)).toEqual([
      'mail/welcome -> Template.process',
      'mail/ -> OtherTemplate.process',
      'mail/* -> Mailer.process',
    ]);
    expect(registry.find('mail', '')?.label).toBe('OtherTemplate.process');
    expect(registry.find('mail', 'other')?.label).toBe('Mailer.process');
  });

  it('is the handler itself where the template has types only: it costs nothing', async () => {
    const process = () => undefined;
    const handler = { queue: 'mail', name: '', label: 'x', options: {}, bound: {}, run: process };
    const typed = { ...handler, template: Nameless };
    expect(templated(typed, new QueueEventBus())).toBe(typed);
    expect(templated(handler, new QueueEventBus())).toBe(handler);
    expect(templated({ ...handler, template: Welcome }, new QueueEventBus())).not.toBe(handler);
  });

  it('is refused beside another one for the same template', async () => {
    QueueHandler(Welcome)(Template);
    QueueHandler(Welcome)(OtherTemplate);
    await expect(handlersAmong(Template, OtherTemplate)).rejects.toEqual(
      stopsWith('HANDLER_DUPLICATE', 'jobs named "welcome"'),
    );
    QueueHandler(Nameless)(Template);
    QueueHandler(Nameless)(OtherTemplate);
    await expect(handlersAmong(Template, OtherTemplate)).rejects.toEqual(
      stopsWith('HANDLER_DUPLICATE', 'jobs without a name'),
    );
  });

  it('is refused as a method in a class of another queue, or without a name', async () => {
    @QueueHandler('letters')
    class Elsewhere {
      @HandleJob(Welcome)
      welcome(): void {}

      @HandleJob(Nameless)
      nameless(): void {}
    }
    const problems =
      /welcome\(\) names a template of queue "mail"[\s\S]*nameless\(\) must be a name/;
    await expect(handlersAmong(Elsewhere)).rejects.toEqual(stopsWith('HANDLER_INVALID', problems));
  });
});

class Template {
  process(): void {}
}

class OtherTemplate {
  process(): void {}
}
