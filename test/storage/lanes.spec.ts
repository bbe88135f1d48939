import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Lanes, MANY_LANES, MAX_LABELLED_LANES } from '../../lib/storage/lanes.js';
import { aStorage, type TestStorage } from '../support/storage.js';

describe('lanes', () => {
  let test: TestStorage;

  beforeAll(async () => void (test = await aStorage()));
  afterAll(() => test.close());

  it('are registered once, however many ask for the same ones at the same time in any order', async () => {
    const names = Array.from({ length: 30 }, (_, n) => ({ queue: `queue-${n % 7}`, name: `name-${n}` }));
    const processes = Array.from({ length: 8 }, () => new Lanes(test.storage.database));

    await Promise.all(processes.map((lanes, n) => lanes.register(n % 2 ? names : names.toReversed())));

    const ids = processes.map((lanes) => names.map(({ queue, name }) => lanes.find(queue, name)!.id));
    expect(new Set(ids.map((each) => each.join())).size).toBe(1);
    expect(await test.database.query(`select from simple_queue.lane where name like 'name-%'`)).toHaveLength(30);
  });

  it('are known by name and by number, and the newest one is told', async () => {
    const lane = await test.storage.lanes.of('mail', 'welcome');
    expect(lane).toMatchObject({ queue: 'mail', name: 'welcome' });
    expect(test.storage.lanes.get(lane.id)).toEqual(lane);
    expect(test.storage.lanes.newest()).toBe(Math.max(...test.storage.lanes.all().map((each) => each.id)));
    expect(await test.storage.lanes.of('mail', 'welcome')).toBe(lane);
  });

  it('keep names apart that look alike, and take odd ones', async () => {
    const { lanes } = test.storage;
    const odd = [
      ['a', 'b'],
      ['a.b', ''],
      ['__proto__', 'constructor'],
      ['constructor', '__proto__'],
      ['q'.repeat(100), 'n'.repeat(100)],
    ];
    const found = new Set<number>();
    for (const [queue, name] of odd as [string, string][]) found.add((await lanes.of(queue, name)).id);
    expect(found.size).toBe(odd.length);
  });

  it('tell once of a queue that has more than a thousand: somebody puts ids into names', async () => {
    const [warnings, crowd] = [[] as { code: string; message: string }[], 'crowd'];
    test.events.on('warning', (warning) => void warnings.push(warning));
    const { lanes } = test.storage;
    const names = (count: number) => Array.from({ length: count }, (_, n) => ({ queue: crowd, name: `order-${n}` }));
    await lanes.register(names(MANY_LANES));
    expect(warnings).toEqual([]);

    for (const name of ['order-a', 'order-b']) await lanes.of(crowd, name);

    expect(warnings).toEqual([{ code: 'MANY_LANES', message: expect.stringContaining(`Queue "${crowd}" has more than 1000`) }]);
  });

  it('keep sets of labels apart, and each set is one lane', async () => {
    const { lanes } = test.storage;
    const sets = [[], ['a'], ['a', 'b'], ['b'], ['NULL'], ['null'], ['a=b/c:d.e-f']];
    const found = await Promise.all(sets.map(async (labels) => (await lanes.of('labelled', 'x', labels)).id));
    expect(new Set(found).size).toBe(sets.length);
    const other = new Lanes(test.storage.database);
    await other.refresh();
    expect(sets.map((labels) => other.find('labelled', 'x', labels))).toEqual(
      found.map((id, n) => expect.objectContaining({ id, labels: sets[n] })),
    );
  });

  it('with labels are bounded: ids do not belong into labels', async () => {
    const { lanes } = test.storage;
    const { queueId } = await lanes.of('crowded', '');
    await test.database.query(
      `insert into simple_queue.lane (queue, name, labels) select $1, '', array['id-' || n] from generate_series(2, $2) n`,
      [queueId, MAX_LABELLED_LANES],
    );
    const last = await lanes.of('crowded', '', ['id-1']);
    await expect(lanes.of('crowded', '', ['one-more'])).rejects.toMatchObject({ code: 'TOO_MANY_LANES' });
    expect(await lanes.of('crowded', '', ['id-1'])).toEqual(last);
    expect(await lanes.of('crowded', '', ['id-77'])).toMatchObject({ labels: ['id-77'] });
    expect(await lanes.of('crowded', 'without-labels')).toMatchObject({ labels: [] });
    expect(await lanes.of('roomy', '', ['one-more'])).toMatchObject({ labels: ['one-more'] });
  });

  it('are registered outside of the transaction that needs them: a rollback does not take them back', async () => {
    const { lanes } = test.storage;
    const failed = test.dataSource.transaction(async () => {
      await lanes.of('fresh', '');
      throw new Error('undone');
    });
    await expect(failed).rejects.toThrow('undone');
    const other = new Lanes(test.storage.database);
    await other.refresh();
    expect(other.find('fresh', '')).toBeDefined();
  });
});
