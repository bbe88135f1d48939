import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  MANY_LANES,
  MAX_LABELLED_LANES,
  MAX_LANES,
} from '../../../lib/storage/lanes/lane-bounds.js';
import { Lanes } from '../../../lib/storage/lanes/lanes.js';
import { UnservedLanes } from '../../../lib/storage/lanes/unserved-lanes.js';
import { eventually } from '../../support/eventually.js';
import { patient } from '../../support/patience.mjs';
import { aStorage, Rival, waitingBackends, type TestStorage } from '../../support/storage.js';

describe('lanes', () => {
  let test: TestStorage;

  beforeAll(async () => void (test = await aStorage()));
  afterAll(() => test.close());

  it('are registered once, however many ask for the same ones at the same time in any order', async () => {
    const names = Array.from({ length: 30 }, (_, n) => ({
      queue: `queue-${n % 7}`,
      name: `name-${n}`,
    }));
    const processes = Array.from({ length: 8 }, () => new Lanes(test.storage.database));

    await Promise.all(
      processes.map((lanes, n) => lanes.register(n % 2 ? names : names.toReversed())),
    );

    const ids = processes.map((lanes) =>
      names.map(({ queue, name }) => lanes.find(queue, name)!.id),
    );
    expect(new Set(ids.map((each) => each.join())).size).toBe(1);
    expect(
      await test.database.query(`select from simple_queue.lane where name like 'name-%'`),
    ).toHaveLength(30);
  });

  it('are told of once, with the closest name, when this process enqueues to them and nobody ever served them', async () => {
    const warnings: { code: string; message: string }[] = [];
    const warn = (warning: (typeof warnings)[number]) => void warnings.push(warning);
    const { database } = test.storage;
    const unserved = new UnservedLanes(database, warn, 1);
    const lanes = new Lanes(database, warn, 0, unserved);
    // Served before it is noted: nobody is patient here.
    await new Lanes(database).of('invoices', '');
    expect(await lanes.served([{ queue: 'invoices' }])).toHaveLength(1);

    for (const name of ['', '', 'late']) await lanes.of('invoicse', name);
    await eventually(() => expect(warnings).toHaveLength(2));
    await lanes.of('invoices', 'copy', ['eu']);
    await eventually(() => expect(warnings).toHaveLength(3));
    await new Lanes(database, warn, 0, unserved).of('invoices', '');
    unserved.close();

    expect(warnings.map(({ code }) => code)).toEqual(Array(3).fill('QUEUE_UNSERVED'));
    const texts = warnings.map(({ message }) => /enqueues to (.*), which/.exec(message)?.[1]);
    expect(texts.slice(0, 2).toSorted()).toEqual([
      '"late" of queue "invoicse"',
      'queue "invoicse"',
    ]);
    expect(texts[2]).toBe('"copy" of queue "invoices" with the labels eu');
    expect(warnings[0]!.message).toContain('Did you mean "invoices"?');
    expect(warnings[2]!.message).not.toContain('Did you mean');
  });

  it('that somebody begins to serve meanwhile are not told of', async () => {
    const warnings: { message: string }[] = [];
    const { database } = test.storage;
    const unserved = new UnservedLanes(database, (warning) => warnings.push(warning), 1);
    const lanes = new Lanes(database);
    const [served, other] = [await lanes.of('tenant.1', ''), await lanes.of('other', '')];
    await lanes.served([{ queue: 'tenant.*' }]);

    for (const { id } of [served, other]) unserved.note(id);

    await eventually(() => expect(warnings).toHaveLength(1));
    unserved.close();
    expect(warnings[0]!.message).toContain('queue "other"');
  });

  it('are known by name and by number', async () => {
    const lane = await test.storage.lanes.of('mail', 'welcome');
    expect(lane).toMatchObject({ queue: 'mail', name: 'welcome' });
    expect(await test.storage.lanes.byNumber(lane.id)).toEqual({ ...lane, hasOutcomes: false });
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
    for (const [queue, name] of odd as [string, string][])
      found.add((await lanes.of(queue, name)).id);
    expect(found.size).toBe(odd.length);
  });

  it('tell once of a queue that has more than a thousand: somebody puts ids into names', async () => {
    const [warnings, crowd] = [[] as { code: string; message: string }[], 'crowd'];
    test.events.on('warning', (warning) => void warnings.push(warning));
    const { lanes } = test.storage;
    const names = (count: number) =>
      Array.from({ length: count }, (_, n) => ({ queue: crowd, name: `order-${n}` }));
    await lanes.register(names(MANY_LANES));
    expect(warnings).toEqual([]);

    for (const name of ['order-a', 'order-b']) await lanes.of(crowd, name);

    expect(warnings).toEqual([
      {
        code: 'MANY_LANES',
        message: expect.stringContaining(`Queue "${crowd}" has more than 1000`),
      },
    ]);
  });

  it('keep sets of labels apart, and each set is one lane', async () => {
    const { lanes } = test.storage;
    const sets = [[], ['a'], ['a', 'b'], ['b'], ['NULL'], ['null'], ['a=b/c:d.e-f']];
    const found = await Promise.all(
      sets.map(async (labels) => (await lanes.of('labelled', 'x', labels)).id),
    );
    expect(new Set(found).size).toBe(sets.length);
    const other = new Lanes(test.storage.database);
    await other.register(sets.map((labels) => ({ queue: 'labelled', name: 'x', labels })));
    expect(sets.map((labels) => other.find('labelled', 'x', labels))).toEqual(
      found.map((id, n) => expect.objectContaining({ id, labels: sets[n] })),
    );
  });

  it('with labels are bounded: ids do not belong into labels', async () => {
    const { lanes } = test.storage;
    const { queueId } = await lanes.of('crowded', '');
    await test.rows.lanes(queueId, 2, MAX_LABELLED_LANES, 'labels');
    const last = await lanes.of('crowded', '', ['id-1']);
    await expect(lanes.of('crowded', '', ['one-more'])).rejects.toMatchObject({
      code: 'TOO_MANY_LANES',
    });
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
    expect(await other.served([{ queue: 'fresh' }])).toMatchObject([{ queue: 'fresh', name: '' }]);
  });

  it('are refused beyond ten thousand of a queue, in SQL too, and others are not', async () => {
    const { lanes } = test.storage;
    const { queueId } = await lanes.of('bounded', '');
    await test.rows.lanes(queueId, 2, MAX_LANES);
    await expect(lanes.of('bounded', 'one-more')).rejects.toMatchObject({ code: 'TOO_MANY_LANES' });
    await expect(
      test.database.query(`select simple_queue.enqueue('bounded', name => 'one-more')`),
    ).rejects.toMatchObject({
      code: '53400',
    });
    expect(await lanes.of('bounded', 'name-7')).toMatchObject({ name: 'name-7' });
    expect(await lanes.of('unbounded', 'one-more')).toMatchObject({ name: 'one-more' });
    await test.database.query(`delete from simple_queue.lane where queue = $1`, [queueId]);
  });

  it.each<[string, 'names' | 'labels', number]>([
    ['ten thousand of a queue', 'names', MAX_LANES],
    ['a thousand sets of labels', 'labels', MAX_LABELLED_LANES],
  ])('are no more than %s, however many ask at once', async (_bound, kind, most) => {
    const FREE = 20;
    const queue = `brim-${kind}`;
    const { queueId } = await test.storage.lanes.of(queue, '');
    // The queue's own lane is one of them, and has no labels.
    const others = kind === 'names' ? 1 : 0;
    await test.rows.lanes(queueId, 1, most - FREE - others, kind);
    const ask = (n: number) =>
      kind === 'names' ? { queue, name: `new-${n}` } : { queue, name: '', labels: [`new-${n}`] };
    const asked = Array.from({ length: 30 }, (_, n) => [ask(2 * n), ask(2 * n + 1)]);

    const refused = await Promise.all(
      asked.map((names) => new Lanes(test.storage.database).register(names, patient(10_000))),
    );

    expect(refused.flat()).toHaveLength(60 - FREE);
    const [found] = await test.database.query<{ n: number }>(
      `select count(*)::int as n from simple_queue.lane where queue = $1 and (labels <> '{}') = $2`,
      [queueId, kind === 'labels'],
    );
    expect(found!.n).toBe(most);
    await test.database.query(`delete from simple_queue.lane where queue = $1`, [queueId]);
  });

  it('are no more than that of one call, and those without labels come first', async () => {
    const { queueId } = await test.storage.lanes.of('narrow', '');
    await test.rows.lanes(queueId, 2, MAX_LANES - 3);
    const asked = ['a', 'b'].flatMap((name) => [
      { queue: 'narrow', name, labels: ['eu'] },
      { queue: 'narrow', name },
    ]);
    const refused = await new Lanes(test.storage.database).register([
      ...asked,
      { queue: 'wide', name: 'c' },
    ]);
    expect(refused).toEqual([{ queue: 'narrow', name: 'b', labels: ['eu'] }]);
    await test.database.query(`delete from simple_queue.lane where queue = $1`, [queueId]);
  });

  it('are no more than that beside transactions in SQL that stay open', async () => {
    const { queueId } = await test.storage.lanes.of('edge', '');
    await test.rows.lanes(queueId, 2, MAX_LANES - 3);
    const rival = await Rival.connect(test.database);
    await rival.begin();
    const enqueue = (name: string) => `select simple_queue.enqueue('edge', name => '${name}')`;
    for (const name of ['first', 'second']) await rival.query(enqueue(name));
    const asked = Promise.all(
      ['third', 'fourth', 'fifth'].map((name) =>
        test.storage.lanes.of('edge', name).then(
          () => 'registered',
          ({ code }) => code as string,
        ),
      ),
    );
    const inSql = test.database.query(enqueue('sixth')).then(
      () => 'registered',
      ({ code }) => code as string,
    );
    await eventually(async () => expect(await waitingBackends(test.database)).toBeGreaterThan(0));
    await rival.commit();
    await rival.close();
    const outcomes = [...(await asked), await inSql];
    expect(outcomes.filter((outcome) => outcome === 'registered')).toHaveLength(1);
    const others = outcomes.filter((outcome) => outcome !== 'registered');
    expect(others.every((code) => ['TOO_MANY_LANES', '53400'].includes(code))).toBe(true);
    await test.rows.clear();
    await test.database.query(`delete from simple_queue.lane where queue = $1`, [queueId]);
  });

  it('have numbers that nobody can occupy', async () => {
    await test.database.query(
      `insert into simple_queue.queue (id, name) select n, 'squat-' || n from generate_series(1, 3000) n on conflict do nothing`,
    );
    await test.database.query(
      // One of the lanes of the tests above may have drawn such a number.
      `insert into simple_queue.lane (id, queue, name) select id, id, '' from simple_queue.queue where name like 'squat-%' on conflict do nothing`,
    );
    expect(await test.storage.lanes.of('not-squat', '')).toMatchObject({ queue: 'not-squat' });
    expect(
      await test.database.query(
        `select created from simple_queue.enqueue('not-squat', name => 'sql')`,
      ),
    ).toEqual([{ created: true }]);
    const squatters = `from simple_queue.queue where name like 'squat-%'`;
    await test.database.query(
      `delete from simple_queue.lane where queue in (select id ${squatters})`,
    );
    await test.database.query(`delete ${squatters}`);
    await test.rows.clear();
  });

  it.each([
    ['simple_queue.queue', 'a queue'],
    ['simple_queue.lane', 'a lane'],
  ])('are drawn again where the number in %s is taken', async (table, what) => {
    const [before] = await test.database.query<{ def: string }>(
      `select pg_get_expr(adbin, adrelid) as def from pg_attrdef where adrelid = '${table}'::regclass and adnum = 1`,
    );
    const { id, queueId } = await test.storage.lanes.of(`taken ${what}`.replaceAll(' ', '-'), '');
    const taken = table.endsWith('queue') ? queueId : id;
    await test.database.query(`create sequence draws`);
    await test.database.query(
      `alter table ${table} alter id set default case when nextval('draws') < 3 then ${taken} else ${taken % 1e9} + 7 end`,
    );
    expect(await test.storage.lanes.of(`drawn ${what}`.replaceAll(' ', '-'), '')).toMatchObject({
      name: '',
    });
    await test.database.query(`alter sequence draws restart`);
    await test.database.query(
      `alter table ${table} alter id set default case when nextval('draws') < 3 then ${taken} else ${taken % 1e9} + 8 end`,
    );
    const enqueue = `select created from simple_queue.enqueue($1)`;
    expect(await test.database.query(enqueue, [`drawn-sql-${table.slice(13)}`])).toEqual([
      { created: true },
    ]);
    await test.database.query(`alter table ${table} alter id set default ${before!.def}`);
    await test.database.query(`drop sequence draws`);
    await test.rows.clear();
  });

  it('are waited for where a transaction in SQL registers them, once for all who ask, and other lanes are not', async () => {
    const rival = await Rival.connect(test.database);
    await rival.begin();
    await rival.query(`select simple_queue.enqueue('open', name => 'first')`);
    const asked = Promise.all(
      Array.from({ length: 20 }, () => test.storage.lanes.of('open', 'first')),
    );
    const inLine = `select query_start::text as begun from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    const tries = new Set<string>();
    const look = async () => {
      const waiting = await test.database.query<{ begun: string }>(inLine);
      expect(waiting.length).toBeLessThanOrEqual(1);
      for (const { begun } of waiting) tries.add(begun);
    };
    await eventually(() => look().then(() => tries.size === 1));
    expect(await test.storage.lanes.of('elsewhere', '')).toMatchObject({ queue: 'elsewhere' });
    // Longer than the lock timeout of one try.
    await eventually(() => look().then(() => tries.size === 3));
    await rival.commit();
    await rival.close();
    expect(new Set((await asked).map(({ id }) => id)).size).toBe(1);
    await test.rows.clear();
  });

  it('say what stands in the way where that transaction does not end', async () => {
    const rival = await Rival.connect(test.database);
    await rival.begin();
    await rival.query(`select simple_queue.enqueue('never-ends')`);
    const impatient = new Lanes(test.storage.database, undefined, 0);
    await expect(impatient.of('never-ends', '')).rejects.toMatchObject({
      code: 'TRANSACTION_CONFLICT',
      message: expect.stringContaining(
        'Queue "never-ends" could not be registered: another transaction registers',
      ),
    });
    await rival.rollback();
    await rival.close();
    expect(await impatient.of('never-ends', '')).toMatchObject({ queue: 'never-ends' });
  });

  it('are remembered up to a bound', async () => {
    const lanes = new Lanes(test.storage.database);
    const names = Array.from({ length: MAX_LANES + 10 }, (_, n) => ({
      queue: `tenant-${n}`,
      name: '',
    }));
    await lanes.register(names);
    expect(names.filter(({ queue, name }) => lanes.find(queue, name))).toHaveLength(MAX_LANES);
    expect(await lanes.of('tenant-0', '')).toMatchObject({ queue: 'tenant-0' });
    expect(await lanes.served([{ queue: 'tenant-*' }])).toHaveLength(MAX_LANES);
  });
});
