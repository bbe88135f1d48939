import { describe, expect, it } from '@jest/globals';
import { aHandler } from '../support/application.js';
import { Rival } from '../support/storage.js';
import { aStory, untilJobIs } from '../support/story.js';

describe('jobs that SQL enqueued', () => {
  const story = aStory();

  it('run like any others, also without a NOTIFY, and once a key', async () => {
    const payloads: unknown[] = [];
    const application = await story.start({ providers: [aHandler('receipts', (job) => void payloads.push(job.payload))] });
    const enqueue = `select * from simple_queue.enqueue('receipts', '{"orderId": 1}', unique_key => 'order:1', delay => '100 ms')`;
    const [first] = await story.database.query<{ id: string }>(enqueue);
    const [second] = await story.database.query(enqueue);

    await untilJobIs('succeeded', application, first!.id);

    expect(second).toEqual({ id: first!.id, created: false });
    expect(payloads).toEqual([{ orderId: 1 }]);
  });

  it('run although their name was first used in a transaction that committed after newer names were known', async () => {
    const application = await story.start({
      options: { maintenance: { janitorIntervalMs: 300 } },
      providers: [aHandler('late', () => undefined)],
    });
    const rival = await Rival.connect(story.database);
    await rival.begin();
    const [early] = await rival.query<{ id: string }>(`select id from simple_queue.enqueue('late', name => 'older')`);
    const newer = await application.queues.enqueue('late', {}, { name: 'newer' });
    await untilJobIs('succeeded', application, newer.id);

    await rival.commit();
    await rival.close();

    await untilJobIs('succeeded', application, early!.id);
  });
});
