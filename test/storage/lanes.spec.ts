import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Lanes } from '../../lib/storage/lanes.js';
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
