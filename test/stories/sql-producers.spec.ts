import { describe, expect, it } from '@jest/globals';
import { HandleJob } from '../../lib/decorators/handle-job.decorator.js';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import { aHandler } from '../support/application.js';
import { Rival } from '../support/storage.js';
import { aStory, untilJobIs } from '../support/story.js';

describe('jobs that SQL enqueued', () => {
  const story = aStory();

  it('run like any others, also without a NOTIFY, and once a key', async () => {
    const payloads: unknown[] = [];
    const application = await story.start({
      providers: [aHandler('receipts', (job) => void payloads.push(job.payload))],
    });
    const enqueue = `select * from simple_queue.enqueue('receipts', '{"orderId": 1}', unique_key => 'order:1', delay => '100 ms')`;
    const rival = await Rival.connect(story.database);
    await rival.begin();
    const [first] = await rival.query<{ id: string }>(enqueue);
    const [second] = await rival.query(enqueue);
    await rival.commit();
    await rival.close();

    await untilJobIs('succeeded', application, first!.id);

    expect(second).toEqual({ id: first!.id, created: false });
    expect(payloads).toEqual([{ orderId: 1 }]);
  });

  it('run although their name was first used in a transaction that committed after newer names were known', async () => {
    const application = await story.start({
      options: { janitorIntervalMs: 300 },
      providers: [aHandler('late', () => undefined)],
    });
    const rival = await Rival.connect(story.database);
    await rival.begin();
    const [early] = await rival.query<{ id: string }>(
      `select id from simple_queue.enqueue('late', name => 'older')`,
    );
    const newer = await application.queues.enqueue('late', {}, { name: 'newer' });
    await untilJobIs('succeeded', application, newer.id);

    await rival.commit();
    await rival.close();

    await untilJobIs('succeeded', application, early!.id);
  });

  it.each(['', 'named'])(
    'hold up no start of an application: their first use of its queue is open while it boots, job name "%s"',
    async (name) => {
      const queue = `first-use${name}`;
      await story.start({ options: { worker: false } });
      const rival = await Rival.connect(story.database);
      await rival.begin();
      const [early] = await rival.query<{ id: string }>(
        `select id from simple_queue.enqueue($1, name => $2)`,
        [queue, name],
      );

      const ran: string[] = [];
      class Named {
        run(job: { id: string }): void {
          ran.push(job.id);
        }
      }
      HandleJob(name || 'unused')(
        Named.prototype,
        'run',
        Object.getOwnPropertyDescriptor(Named.prototype, 'run')!,
      );
      QueueHandler(queue)(Named);
      const first = name === '' ? aHandler(queue, (job) => void ran.push(job.id)) : Named;
      const providers = [first, aHandler('others', () => undefined)];
      const application = await story.start({
        providers,
        options: { janitorIntervalMs: 300 },
      });
      const other = await application.queues.enqueue('others', {});
      await untilJobIs('succeeded', application, other.id);
      expect(ran).toEqual([]);

      await rival.commit();
      await rival.close();
      await untilJobIs('succeeded', application, early!.id);
      const next = await application.queues.enqueue(queue, {}, name === '' ? {} : { name });
      await untilJobIs('succeeded', application, next.id);
      expect(ran).toEqual([early!.id, next.id]);
    },
  );
});
