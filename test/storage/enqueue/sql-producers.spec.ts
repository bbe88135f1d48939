import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { QueueEventBus } from '../../../lib/observability/events.js';
import { QueueService } from '../../../lib/queue.service.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { eventually } from '../../support/eventually.js';
import {
  aDataSource,
  aStorage,
  openStorage,
  Rival,
  waitingBackends,
  type TestStorage,
} from '../../support/storage.js';
import { checkPlaces } from '../../support/check-places.js';

type Stored = { id: string; created: boolean };

describe('simple_queue.enqueue', () => {
  let test: TestStorage;

  beforeAll(async () => void (test = await aStorage()));
  beforeEach(() => test.rows.clear());
  afterEach(async () => expect(await checkPlaces(test.storage)).toEqual([]));
  afterAll(() => test.close());

  const enqueue = async (args: string) =>
    (await test.database.query<Stored>(`select * from simple_queue.enqueue(${args})`))[0]!;
  const find = (id: string) => test.storage.jobs.find(id);
  const lanes = () =>
    test.database.query(
      `select q.name as queue, l.name from simple_queue.lane l join simple_queue.queue q on q.id = l.queue order by l.id`,
    );

  it('stores a job as an enqueue from Node.js does', async () => {
    const { id, created } = await enqueue(`'receipts', '{"orderId": 1}'`);
    expect(created).toBe(true);
    const lane = await test.storage.lanes.of('receipts', '');
    const [twin] = await test.storage.enqueues.insert([
      {
        id: '00000000-0000-7000-8000-000000000000',
        lane,
        priority: 0,
        payload: '{"orderId": 1}',
        givenId: false,
      },
    ]);
    const rowOf = async (job: string) => {
      const [row] = await test.database.query<{ job: object }>(
        `select to_jsonb(j) as job from simple_queue.job j where id = $1`,
        [job],
      );
      return { ...row!.job, id: '', created_at: '', run_at: '' };
    };
    expect(await rowOf(id)).toEqual(await rowOf(twin!.id));
    expect(await find(id)).toMatchObject({ state: 'ready' });
  });

  it('makes ids of version 7 that rise with the time', async () => {
    const before = Date.now() - 1_000;
    const { id } = await enqueue(`'receipts'`);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const at = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
    expect(at).toBeGreaterThan(before);
    expect(at).toBeLessThan(Date.now() + 1_000);
  });

  it('takes every option', async () => {
    const { id } = await enqueue(
      `'receipts', '[1]', name => 'paper', priority => -5, delay => '1 hour', unique_key => 'k', fingerprint => 'f',
       headers => '{"tenant": "acme"}', max_attempts => 9`,
    );
    expect(await find(id)).toMatchObject({
      ...{
        queue: 'receipts',
        name: 'paper',
        state: 'scheduled',
        payload: [1],
        priority: -5,
        uniqueKey: 'k',
        fingerprint: 'f',
      },
      ...{ headers: { tenant: 'acme' }, maxAttempts: 9 },
    });
    const later = await enqueue(`'receipts', run_at => '2100-01-01'`);
    expect(await find(later.id)).toMatchObject({ state: 'scheduled', payload: null });
    const past = await enqueue(`'receipts', run_at => '1990-01-01'`);
    expect(await find(past.id)).toMatchObject({ state: 'ready' });
  });

  it('answers with the live job of a unique key', async () => {
    const first = await enqueue(`'receipts', unique_key => 'k'`);
    expect(await enqueue(`'receipts', unique_key => 'k'`)).toEqual({
      id: first.id,
      created: false,
    });
    expect(await enqueue(`'letters', unique_key => 'k'`)).toMatchObject({ created: true });
  });

  it('has one winner among sessions that take one key at once', async () => {
    const rival = await Rival.connect(test.database);
    await rival.begin();
    const [first] = await rival.query<Stored>(
      `select * from simple_queue.enqueue('receipts', unique_key => 'k')`,
    );
    const waiting = enqueue(`'receipts', unique_key => 'k'`);
    await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));
    await rival.commit();
    await rival.close();
    expect(await waiting).toEqual({ id: first!.id, created: false });
  });

  it.each([
    [`null`, 'queue name'],
    [`''`, 'queue name'],
    [`E'a\\nb'`, 'queue name'],
    [`'a b'`, 'queue name'],
    [`'../etc'`, 'queue name'],
    [`'${'x'.repeat(101)}'`, 'queue name'],
    [`'q', name => ' '`, 'job name'],
    [`'q', name => null`, 'job name'],
    [`'q', priority => 40000`, 'priority'],
    [`'q', run_at => now(), delay => '1 s'`, 'cannot be given together'],
    [`'q', run_at => 'infinity'`, 'run_at'],
    [`'q', delay => '-1 s'`, 'delay'],
    [`'q', unique_key => ''`, 'unique_key'],
    [`'q', unique_key => repeat('x', 513)`, 'unique_key'],
    [`'q', fingerprint => ''`, 'fingerprint'],
    [`'q', headers => '[]'`, 'headers'],
    [`'q', headers => '{"a": 1}'`, 'headers'],
    [`'q', headers => '{"a": ["b"]}'`, 'headers'],
    [`'q', headers => jsonb_build_object('a', repeat('x', 9000))`, 'headers'],
    [`'q', max_attempts => 0`, 'max_attempts'],
    [`'q', max_pending => 0`, 'max_pending'],
  ])('refuses %s', async (args, problem) => {
    await expect(enqueue(args)).rejects.toMatchObject({
      code: '22023',
      message: expect.stringContaining(problem),
    });
    expect(await test.database.query('select from simple_queue.job')).toEqual([]);
  });

  it('refuses a payload of more than 1 MiB', async () => {
    await expect(enqueue(`'q', to_jsonb(repeat('x', 1048576))`)).rejects.toMatchObject({
      code: '54000',
    });
    expect(await enqueue(`'q', to_jsonb(repeat('x', 1048000))`)).toMatchObject({ created: true });
  });

  it('counts for max_pending what waits in groups or for a commit, too', async () => {
    const queues = new QueueService(
      test.storage,
      resolveOptions({ queues: { fairly: { fair: true } } }).options,
      new QueueEventBus(),
    );
    await queues.enqueueMany(
      'held',
      [1, 2, 3].map((payload) => ({ payload, group: 'a', ordered: true, staged: payload === 3 })),
    );
    await queues.enqueue('held', 4, { staged: true });
    await expect(enqueue(`'held', max_pending => 4`)).rejects.toMatchObject({ code: '53400' });
    expect(await enqueue(`'held', max_pending => 5`)).toMatchObject({ created: true });
    await queues.enqueue('fairly', 1);
    await expect(enqueue(`'fairly', max_pending => 1`)).rejects.toMatchObject({ code: '53400' });
  });

  it('refuses beyond max_pending, exactly, and only in READ COMMITTED', async () => {
    const answers = await Promise.allSettled(
      Array.from({ length: 12 }, () => enqueue(`'full', max_pending => 3`)),
    );
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    await expect(enqueue(`'full', max_pending => 3`)).rejects.toMatchObject({ code: '53400' });
    const rival = await Rival.connect(test.database);
    await rival.begin('repeatable read');
    await expect(
      rival.query(`select simple_queue.enqueue('full', max_pending => 9)`),
    ).rejects.toMatchObject({ code: '55000' });
    await rival.rollback();
    await rival.close();
  });

  describe('registers queue and lane', () => {
    it('in two sessions at once: the second waits, and both jobs stand in one lane', async () => {
      const rival = await Rival.connect(test.database);
      await rival.begin();
      await rival.query(`select simple_queue.enqueue('brand-new')`);
      const waiting = enqueue(`'brand-new'`);
      await eventually(async () => expect(await waitingBackends(test.database)).toBe(1));
      await rival.commit();
      await rival.close();
      expect(await waiting).toMatchObject({ created: true });
      const rows = await test.database.query('select distinct lane from simple_queue.job');
      expect(rows).toHaveLength(1);
    });

    it('and leaves nothing behind when its transaction rolls back', async () => {
      const before = await lanes();
      const rival = await Rival.connect(test.database);
      await rival.begin();
      await rival.query(`select simple_queue.enqueue('never-was')`);
      await rival.rollback();
      await rival.close();
      expect(await lanes()).toEqual(before);
      await test.storage.lanes.of('never-was', '');
      expect(await enqueue(`'never-was'`)).toMatchObject({ created: true });
    });
  });

  it('works from a trigger of a bulk insert, whatever the search path, for a role with the rights', async () => {
    const role = `producer_${test.database.name}`;
    await test.database.query(`create role ${role}`);
    await test.database.query(`create table orders (id int primary key)`);
    await test.database.query(`
      create function order_made() returns trigger language plpgsql as $$
      begin perform simple_queue.enqueue('orders', jsonb_build_object('orderId', new.id), unique_key => 'order:' || new.id); return null; end $$`);
    await test.database.query(
      `create trigger made after insert on orders for each row execute function order_made()`,
    );
    await test.database.query(`grant insert on orders to ${role}`);
    await test.database.query(`grant usage on schema simple_queue to ${role}`);
    const rival = await Rival.connect(test.database);
    await rival.query(`set role ${role}`);
    await expect(rival.query(`insert into orders values (0)`)).rejects.toMatchObject({
      code: '42501',
    });
    await test.database.query(
      `grant select, insert on simple_queue.queue, simple_queue.lane, simple_queue.job to ${role}`,
    );
    await test.database.query(
      `grant insert on simple_queue.ready, simple_queue.scheduled to ${role}`,
    );
    await rival.query(`set search_path = pg_temp`);
    await rival.query(`create temp table job (id int)`).catch(() => undefined);
    await rival.query(`insert into public.orders select generate_series(1, 50)`);
    expect(
      await test.database.query(
        `select from simple_queue.jobs where queue = 'orders' and state = 'ready'`,
      ),
    ).toHaveLength(50);
    await rival.close();
    await test.database.query(`drop owned by ${role}`);
    await test.database.query(`drop role ${role}`);
  });

  it('notifies only when asked to', async () => {
    const heard: string[] = [];
    test.storage.signals.receive((signal) => void heard.push(JSON.stringify(signal)));
    test.storage.signals.startListening(test);
    await eventually(() => heard.length > 0);
    heard.length = 0;
    await enqueue(`'quiet'`);
    await enqueue(`'loud', wake => true`);
    await eventually(() => heard.length > 0);
    await enqueue(`'loud', wake => true, delay => '1 hour'`);
    await eventually(() => heard.length > 1);
    const { id } = await test.storage.lanes.of('loud', '');
    expect(heard).toEqual([
      JSON.stringify({ lanes: [id] }),
      JSON.stringify({ lanes: [], later: true }),
    ]);
    await test.storage.signals.stopListening(test);
  });

  it('is made in the schema of choice, finds nothing by a search path, and has the rights of its caller', async () => {
    const dataSource = await aDataSource(test.database.url);
    const storage = await openStorage(dataSource, { schema: 'queue_of_mine' });
    const heard: number[] = [];
    storage.signals.receive(({ lanes }) => void heard.push(...lanes));
    await new Promise<void>((resolve) => {
      storage.signals.whenListening(resolve);
      storage.signals.startListening(test);
    });
    const [stored] = await dataSource.query<Stored[]>(
      `select * from queue_of_mine.enqueue('receipts', wake => true)`,
    );
    await eventually(() => heard.length > 0);
    expect(await storage.jobs.find(stored!.id)).toMatchObject({ queue: 'receipts' });
    expect(await find(stored!.id)).toBeUndefined();
    const functions = await dataSource.query(
      `select prosecdef, proconfig from pg_proc where proname = 'enqueue' and pronamespace = 'queue_of_mine'::regnamespace`,
    );
    expect(functions).toEqual([
      { prosecdef: false, proconfig: ['search_path=pg_catalog, pg_temp'] },
    ]);
    await storage.signals.stopListening(test);
    await storage.onApplicationShutdown();
    await dataSource.destroy();
  });
});
