import { describe, expect, it } from '@jest/globals';
import { QueueEventBus, type QueueEvents } from '../../lib/observability/events.js';
import { eventually } from '../support/eventually.js';

const event: QueueEvents['started'] = { id: '1', queue: 'mail', name: '', attempt: 1, waitMs: 0 };

describe('events', () => {
  it('reach every listener, with the same object', () => {
    const events = new QueueEventBus();
    const heard: unknown[] = [];
    events.on('started', (one) => heard.push(one));
    events.on('started', (one) => heard.push(one));
    events.emit('started', () => event);
    expect(heard).toEqual([event, event]);
  });

  it('are not even made when nobody listens', () => {
    const events = new QueueEventBus();
    let made = 0;
    events.on('succeeded', () => undefined);
    events.on('started', () => undefined)();
    events.emit('started', () => ({ ...event, attempt: ++made }));
    expect([made, events.hasListener('started')]).toEqual([0, false]);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no ears');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no ears'))],
  ])('go on to the others when a listener %s, and a warning tells of it', async (_, listener) => {
    const events = new QueueEventBus();
    const heard: unknown[] = [];
    const warnings: QueueEvents['warning'][] = [];
    events.on('warning', (warning) => warnings.push(warning));
    events.on('started', listener);
    events.on('started', (one) => heard.push(one));
    events.emit('started', () => event);
    await eventually(() => warnings.length > 0);
    expect(heard).toEqual([event]);
    expect(warnings).toEqual([
      { code: 'LISTENER_FAILED', message: expect.stringContaining('"started" failed: no ears') },
    ]);
  });

  it.each([null, Object.create(null), Symbol('s')])(
    'survive a listener that throws %p',
    (thrown: unknown) => {
      const events = new QueueEventBus();
      const warnings: QueueEvents['warning'][] = [];
      events.on('warning', (warning) => warnings.push(warning));
      events.on('started', () => {
        throw thrown;
      });
      expect(() => events.emit('started', () => event)).not.toThrow();
      expect(warnings).toHaveLength(1);
    },
  );

  it('do not go in circles when a listener of warnings throws', () => {
    const events = new QueueEventBus();
    events.on('warning', () => {
      throw new Error('again');
    });
    expect(() => events.emit('warning', () => ({ code: 'ANY', message: 'any' }))).not.toThrow();
  });
});
