import { describe, expect, it } from '@jest/globals';
import { aHandler, PATIENT } from '../support/application.js';
import { administer } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { recordStatements } from '../support/recorded-statements.js';
import { aStory, untilJobIs } from '../support/story.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** Duties that have nothing to do until somebody tells them, and sweeps, which are in no hurry. */
const NOT_AT_ONCE =
  /^(expire_staged|take_vacant|hand_permits|stop_expired|take_ends|take_beginning|take_stop|list_troubles|purge_(given_ids|ticks|periods|buckets|workflows))$/;

describe('the start of a worker', () => {
  const story = aStory(PATIENT);

  it('sends no statement of a duty that has nothing to do: each costs the planner up to 14 ms on a new connection', async () => {
    const recorded = recordStatements();
    try {
      const application = await story.start({ providers: [aHandler('mails', () => undefined)] });
      const { id } = await application.queues.enqueue('mails', {});
      await untilJobIs('succeeded', application, id);
      await eventually(() => expect(recorded.names).toContain('promote'));
    } finally {
      recorded.stop();
    }
    const names = new Set(recorded.names);
    expect([...names].filter((name) => NOT_AT_ONCE.test(name))).toEqual([]);
  });

  it('waits for a database that is away, until it is back, or nobody wants the start any more', async () => {
    const line = await TcpProxy.start(story.database.url);
    const application = await story.start({
      options: { worker: { autoStart: false } },
      typeorm: { url: line.url },
    });
    const { worker } = application;
    const waits = () =>
      application.seen('warning').filter(({ code }) => code === 'START_WAITS').length;
    line.stop();
    const unwanted = worker.start();
    unwanted.catch(() => undefined);
    await eventually(() => expect(waits()).toBe(1));
    await worker.stop();
    await expect(unwanted).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });

    const started = worker.start();
    await eventually(() => expect(waits()).toBe(2));
    await line.pass();
    await started;
    expect(worker.isRunning).toBe(true);
    await worker.stop();
    line.stop();
  });

  it('waits for a server that only reads: a failover may be under way', async () => {
    const { name, url } = story.database;
    await administer(url, `alter database ${name} set default_transaction_read_only = on`);
    const application = await story.start({ options: { worker: { autoStart: false } } });
    const started = application.worker.start();
    await eventually(() =>
      expect(application.seen('warning')).toMatchObject([
        { code: 'START_WAITS', message: expect.stringContaining('waits for a server that writes') },
      ]),
    );
    await administer(
      url,
      'set default_transaction_read_only = off',
      `alter database ${name} reset default_transaction_read_only`,
    );
    await started;
    const { id } = await application.queues.enqueue('mails', {});
    await application.queues.cancel({ id });
  });
});
