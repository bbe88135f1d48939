import { describe, expect, it } from '@jest/globals';
import { Controller, Injectable, Scope } from '@nestjs/common';
import { defineJob } from '../../lib/enqueue/define-job.js';
import { OnJobEvent } from '../../lib/decorators/on-job-event.decorator.js';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import type { QueueEvents, QueueEventBus } from '../../lib/observability/events.js';
import { anExploredModule } from '../support/an-explored-module.js';

const started: QueueEvents['started'] = { id: '1', queue: 'mail', name: '', attempt: 1, waitMs: 0 };

class Ear {
  readonly heard: unknown[] = [];

  @OnJobEvent('started')
  hear(event: QueueEvents['started']): void {
    this.heard.push(event);
  }
}

async function eventsWith(...providers: object[]): Promise<QueueEventBus> {
  return (await anExploredModule({ providers: providers as never })).get('default')!.events;
}

const invalid = (message: string): unknown =>
  expect.objectContaining({ code: 'HANDLER_INVALID', message: expect.stringContaining(message) });

describe('a method marked with @OnJobEvent', () => {
  it.each<[string, (ear: Ear) => object]>([
    ['useValue', (ear) => ({ provide: 'EAR', useValue: ear })],
    ['useFactory', (ear) => ({ provide: 'EAR', useFactory: () => ear })],
    [
      'useFactory, with an alias beside it',
      (ear) => ({ provide: Ear, useFactory: () => Promise.resolve(ear) }),
    ],
  ])('hears each event once (%s)', async (_, provider) => {
    const ear = new Ear();
    const events = await eventsWith(provider(ear), {
      provide: 'ALIAS',
      useExisting: (provider(ear) as { provide: string }).provide,
    });
    events.emit('started', () => started);
    expect(ear.heard).toEqual([started]);
  });

  it('may stand on a controller', async () => {
    const heard: unknown[] = [];
    @Controller()
    class Page {
      @OnJobEvent('started')
      hear(event: QueueEvents['started']): void {
        heard.push(event);
      }
    }
    const explored = await anExploredModule({ controllers: [Page] });
    explored.get('default')?.events.emit('started', () => started);
    expect(heard).toEqual([started]);
  });

  it('may hear several events, and several may hear one', async () => {
    const heard: string[] = [];
    class Ears {
      @OnJobEvent('started')
      @OnJobEvent('cancelled')
      left(): void {
        heard.push('left');
      }
      @OnJobEvent('started')
      right(): void {
        heard.push('right');
      }
    }
    const events = await eventsWith(Ears);
    events.emit('started', () => started);
    events.emit('cancelled', () => ({ ...started, reason: 'gone' }));
    expect(heard).toEqual(['left', 'right', 'left']);
  });

  it('costs nothing for events that nobody asked for', async () => {
    const events = await eventsWith(Ear);
    expect([events.hasListener('started'), events.hasListener('succeeded')]).toEqual([true, false]);
  });

  it('hears one queue, a pattern of them, or the jobs of a template', async () => {
    const heard: string[] = [];
    const Welcome = defineJob({ queue: 'mail', name: 'welcome' });
    class Ears {
      @OnJobEvent('started', { queue: 'mail' })
      mail({ name }: QueueEvents['started']): void {
        heard.push(`mail ${name}`);
      }
      @OnJobEvent('started', { queue: 'm*' })
      all({ queue }: QueueEvents['started']): void {
        heard.push(`m* ${queue}`);
      }
      @OnJobEvent('started', { queue: Welcome })
      welcome({ name }: QueueEvents['started']): void {
        heard.push(`template ${name}`);
      }
      @OnJobEvent('ticked', { queue: Welcome })
      ticked({ schedule }: QueueEvents['ticked']): void {
        heard.push(schedule);
      }
    }
    const events = await eventsWith(Ears);
    for (const job of [{}, { name: 'welcome' }, { queue: 'mails' }, { queue: 'pdf' }])
      events.emit('started', () => ({ ...started, ...job }));
    for (const queue of ['mail', 'pdf'])
      events.emit('ticked', () => ({ schedule: `of ${queue}`, queue, at: new Date(0), outcome: 'enqueued' })); // prettier-ignore
    expect(heard).toEqual([
      ...['mail ', 'm* mail', 'mail welcome', 'm* mail', 'template welcome'],
      ...['m* mails', 'of mail'],
    ]);
  });

  it("hears the instance of its class's @QueueHandler, or the one it names, or the unnamed one", async () => {
    const heard: string[] = [];
    @QueueHandler('mail', { instance: 'reports' })
    class Handler {
      process(): void {}
      @OnJobEvent('started')
      own(): void {
        heard.push('own');
      }
      @OnJobEvent('started', { instance: 'default' })
      other(): void {
        heard.push('other');
      }
    }
    const explored = await anExploredModule({ providers: [Handler, Ear] }, ['default', 'reports']);
    explored.get('reports')?.events.emit('started', () => started);
    expect(heard).toEqual(['own']);
    explored.get('default')?.events.emit('started', () => started);
    expect(heard).toEqual(['own', 'other']);
  });
});

describe('the start stops', () => {
  it('for an event that does not exist, with what was probably meant', async () => {
    class Deaf {
      @OnJobEvent('fialed' as 'failed')
      hear(): void {}
    }
    await expect(eventsWith(Deaf)).rejects.toThrow(
      invalid('@OnJobEvent on Deaf.hear: there is no such event; did you mean "failed"?'),
    );
  });

  it('for an event of another library', async () => {
    class Deaf {
      @OnJobEvent('completed' as 'succeeded')
      hear(): void {}
    }
    await expect(eventsWith(Deaf)).rejects.toThrow(invalid('did you mean "succeeded"?'));
  });

  it.each(['__proto__', 'constructor', ''])('for an event called %p', async (name) => {
    class Deaf {
      @OnJobEvent(name as 'failed')
      hear(): void {}
    }
    await expect(eventsWith(Deaf)).rejects.toThrow(invalid('there is no such event'));
  });

  it('for a request-scoped listener', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Fleeting extends Ear {}
    await expect(eventsWith(Fleeting)).rejects.toThrow(invalid('the class is request-scoped'));
  });

  it('for an instance that does not exist', async () => {
    class Lost {
      @OnJobEvent('started', { instance: 'report' })
      hear(): void {}
    }
    await expect(eventsWith(Lost)).rejects.toThrow(invalid('instance "report", and there is none'));
  });

  it.each([
    ['a queue of an event that has none', 'warning', 'mail', 'the event "warning" belongs to no queue'], // prettier-ignore
    ['what is no name of a queue', 'started', 'no spaces', 'is not a queue name'],
    ['a queue that is null', 'started', null, 'is not a queue name'],
  ])('for %s', async (_, name, queue, message) => {
    class Wrong {
      @OnJobEvent(name as 'started', { queue: queue as string })
      hear(): void {}
    }
    await expect(eventsWith(Wrong)).rejects.toThrow(invalid(message));
  });

  it('for unknown options', async () => {
    class Wrong {
      @OnJobEvent('started', { instanse: 'default' } as object)
      hear(): void {}
    }
    await expect(eventsWith(Wrong)).rejects.toThrow(invalid('did you mean "instance"?'));
  });
});
