import { describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { aHandler, PATIENT, type TestApplication } from '../support/application.js';
import { beatNow, insideOf } from '../support/beat.js';
import { cli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { aStory } from '../support/story.js';

const HOUR_MS = 3_600_000;

/** Handlers that never return hold their slots, and nothing else would ever tell of what waits behind them. */
describe('runs that do not end', () => {
  const story = aStory({ ...PATIENT, queueConcurrency: 2 });
  const adminOf = ({ app }: TestApplication) => app.get(QueueAdmin, { strict: false });
  const hung = async (application: TestApplication) =>
    (await adminOf(application).troubles()).filter(({ code }) => code === 'HUNG_RUNS');
  const look = (...argv: string[]) => cli(argv, { env: { DATABASE_URL: story.database.url } });

  /** A job that has waited for two minutes. One that was claimed ahead, when the slots were free a moment ago, comes back first. */
  async function waiting({ queues }: TestApplication, queue = 'mail') {
    const { id } = await queues.enqueue(queue, 3);
    const move = (table: string) =>
      story.database.query(
        `update simple_queue.${table} set run_at = run_at - interval '2 minutes' where id = $1 returning id`,
        [id],
      );
    await eventually(async () => expect(await move('ready')).toHaveLength(1));
    await move('job');
    return id;
  }
  /** Two runs of the queue that began so long ago, and one job that waits for them. */
  async function stuck(application: TestApplication, ms: number, queue = 'mail') {
    const { dispatcher } = insideOf(application).crew;
    await application.queues.enqueueMany(queue, [{ payload: 1 }, { payload: 2 }]);
    await eventually(() => expect(dispatcher.size).toBe(2));
    const id = await waiting(application, queue);
    for (const run of dispatcher.runs()) run.startedAt -= ms;
    await beatNow(application);
    return id;
  }
  /** As the tally has it: a run of `mail` took as long within the week. */
  const usual = (ms: number) =>
    story.database.query(
      `insert into simple_queue.tally select l.id, 0, date_trunc('minute', now()) - interval '1 day', 1, '', now() + interval '9 days', 1, 1, 0, 0, 0, 0, 0, 0, '{1}',
        array_append(array_fill(null::bigint, array[$1::int]), 1) from simple_queue.lane l join simple_queue.queue q on q.id = l.queue where q.name = 'mail'`,
      [Math.ceil(Math.log2(ms))],
    );

  it('are a trouble for everybody who asks, once jobs wait for their slots', async () => {
    const gate = aGate();
    const application = await story.start({ providers: [aHandler('mail', () => gate.passed)] });
    const id = await stuck(application, 2 * HOUR_MS);

    const [trouble, ...others] = await hung(application);
    expect(others).toEqual([]);
    expect(trouble).toMatchObject({ level: 'warning', queue: 'mail', count: 1 });
    expect(trouble!.text).toMatch(
      /^All 2 slots of worker \S+ for queue "mail" are taken by runs that do not end, the oldest for 2 hours \(job [\w-]+\): 1 job waits\.$/,
    );
    expect((await look('status')).out).toMatch(/1 trouble\n {2}HUNG_RUNS {2}All 2 slots/);
    expect((await look('queues')).out).toMatch(/mail .* HUNG_RUNS\n/);
    expect((await look('doctor', '--only', 'HUNG_RUNS')).out).toContain('do not end');
    const { reasons, troubles } = await adminOf(application).explain(id);
    expect(reasons.map(({ code }) => code)).toEqual(['SLOTS_TAKEN']);
    expect(reasons[0]!.text).toMatch(
      /^All 2 slots for it on worker \S+ are taken by runs, the oldest for 2 hours \(job [\w-]+\)\.$/,
    );
    expect(troubles).toMatchObject([{ code: 'HUNG_RUNS' }]);
    // The runs themselves are part of it, not only the one that the text names.
    expect(trouble!.ids).toHaveLength(2);
    for (const run of trouble!.ids!)
      expect((await adminOf(application).explain(run)).troubles).toMatchObject([
        { code: 'HUNG_RUNS' },
      ]);

    expect((await look(...trouble!.look.split(' ').slice(3))).out).toMatch(/2 jobs|running/);
    expect(await look(...trouble!.fix.split(' ').slice(3))).toMatchObject({ code: 0 });
    gate.open();
    await eventually(async () => expect((await application.queues.find(id))?.state).toBe('succeeded')); // prettier-ignore
    await beatNow(application);
    expect(await hung(application)).toEqual([]);
  });

  it('are none while they take no longer than most of the week, and a notice while nothing is known of them', async () => {
    const gate = aGate();
    const application = await story.start({ providers: [aHandler('mail', () => gate.passed)] });
    const id = await stuck(application, 0.7 * HOUR_MS);
    await story.database.query('delete from simple_queue.tally');
    expect(await hung(application)).toMatchObject([{ level: 'notice' }]);
    await usual(HOUR_MS);
    expect(await hung(application)).toEqual([]);
    expect((await adminOf(application).explain(id)).reasons).toMatchObject([
      { code: 'SLOTS_TAKEN' },
    ]);
    await story.database.query('delete from simple_queue.tally');
    await usual(3_000);
    const [trouble] = await hung(application);
    expect(trouble).toMatchObject({ level: 'warning' });
    expect(trouble!.text).toContain('where nearly all end within 4 seconds: 1 job waits.');
    await story.database.query('delete from simple_queue.tally');
    gate.open();
  });

  it('are none where nobody waits for them, nor while one slot of them is in use', async () => {
    const gate = aGate();
    const application = await story.start({ providers: [aHandler('mail', () => gate.passed)] });
    const id = await stuck(application, 2 * HOUR_MS);
    await application.queues.cancel({ id });
    expect(await hung(application)).toEqual([]);
    const [run] = insideOf(application).crew.dispatcher.runs();
    run!.startedAt = performance.now();
    await beatNow(application);
    const waits = await waiting(application);
    expect(await hung(application)).toEqual([]);
    const { reasons } = await adminOf(application).explain(waits);
    expect(reasons).toMatchObject([{ code: 'FIRST_IN_LINE' }]);
    gate.open();
  });

  it('that go on after their timeout hold no job any more, and are named all the same', async () => {
    const gate = aGate();
    const application = await story.start({
      options: { maxAttempts: 1, timeoutMs: 50 },
      providers: [aHandler('mail', () => gate.passed)],
    });
    await application.queues.enqueueMany('mail', [{ payload: 1 }, { payload: 2 }]);
    const { dispatcher } = insideOf(application).crew;
    await eventually(() => expect(dispatcher.runs().map(({ settled }) => settled)).toEqual([true, true])); // prettier-ignore
    for (const run of dispatcher.runs()) run.startedAt -= 120_000;
    const id = await waiting(application);
    await beatNow(application);
    const [trouble] = await hung(application);
    expect(trouble).toMatchObject({ level: 'warning', fix: '' });
    expect(trouble!.text).toMatch(/are taken by handlers that go on after their timeout: \d jobs? waits?\.$/); // prettier-ignore
    expect((await adminOf(application).explain(id)).reasons).toMatchObject([
      { code: 'SLOTS_TAKEN' },
    ]);
    gate.open();
  });

  it('are a notice while a timeout ends them, and hold up other queues of a process that is full', async () => {
    const gate = aGate();
    const application = await story.start({
      options: { concurrency: 2, queues: { slow: { timeoutMs: '1 d' } } },
      providers: [
        aHandler('slow', () => gate.passed),
        aHandler('mail', () => undefined),
        aHandler('idle', () => undefined),
      ],
    });
    const id = await stuck(application, 2 * HOUR_MS, 'slow');
    await application.queues.cancel({ id });
    await waiting(application);
    expect(await hung(application)).toMatchObject([
      { level: 'notice', queue: 'mail', look: expect.stringContaining('--queue slow ') },
    ]);
    gate.open();
  });

  it.each([
    [
      'turn of an ordered group',
      { group: 'g', ordered: true },
      /^Group "g" .* has the turn\. It runs since .* If it never ends: npx --no simple-queue cancel [\w-]+$/,
    ],
    [
      'sole permit of a key',
      {},
      /^Key "a" .* Of the first: It runs since .* If it never ends: npx --no simple-queue cancel [\w-]+$/,
    ],
  ])(
    'that keep the %s are named to whoever asks why the next waits, and are a trouble',
    async (_what, options, said) => {
      const gate = aGate();
      const perKey = { by: 'of', concurrency: 1 };
      const application = await story.start({
        options: 'group' in options ? {} : { queues: { work: { perKey } } },
        providers: [aHandler('work', () => gate.passed)],
      });
      const { dispatcher } = insideOf(application).crew;
      const { queues } = application;
      const { id: first } = await queues.enqueue('work', { of: 'a' }, options);
      await eventually(() => expect(dispatcher.size).toBe(1));
      const { id } = await queues.enqueue('work', { of: 'a' }, options);
      const explained = async () => (await adminOf(application).explain(id)).reasons;
      await eventually(async () => expect((await explained())[0]!.text).toMatch(said));
      expect((await explained())[0]!.text).toContain(first);
      expect(await hung(application)).toEqual([]);

      await story.database.query(`update simple_queue.claim set created_at = created_at - interval '2 hours'`); // prettier-ignore
      await story.database.query(`with j as (update simple_queue.job set run_at = run_at - interval '2 hours' where id in (select id from simple_queue.keyed) returning id, run_at)
          update simple_queue.keyed k set run_at = j.run_at from j where k.id = j.id`); // prettier-ignore
      const [trouble, ...others] = await hung(application);
      expect(others).toEqual([]);
      expect(trouble).toMatchObject({
        level: 'warning',
        queue: 'work',
        count: 1,
        sinceMs: expect.closeTo(2 * HOUR_MS, -6),
      });
      expect(trouble!.text).toMatch(
        /^Job [\w-]+ of queue "work" runs for 2 hours on worker .*, and behind it, for its turn or key, 1 job waits\.$/,
      );
      expect(trouble!.text).toContain(first);
      expect((await look('status')).out).toContain('HUNG_RUNS');
      for (const about of [id, first])
        expect((await adminOf(application).explain(about)).troubles).toMatchObject([
          { text: trouble!.text },
        ]);
      expect((await look(...trouble!.look.split(' ').slice(3))).out).toContain('It runs since');
      expect(await look(...trouble!.fix.split(' ').slice(3))).toMatchObject({ code: 0 });
      gate.open();
      await eventually(async () => expect((await queues.find(id))?.state).toBe('succeeded'));
      expect(await hung(application)).toEqual([]);
    },
  );

  it('are told to whoever waits behind one of several, and ended by one command', async () => {
    const gate = aGate();
    const application = await story.start({ providers: [aHandler('work', () => gate.passed)] });
    const { queues } = application;
    const enqueue = (group: string) => queues.enqueue('work', 1, { group, ordered: true });
    const runs = [await enqueue('g'), await enqueue('h')].map(({ id }) => id);
    await eventually(() => expect(insideOf(application).crew.dispatcher.size).toBe(2));
    const behind = [await enqueue('g'), await enqueue('h')].map(({ id }) => id);
    const { id: free } = await enqueue('i');
    await story.database.query(`update simple_queue.claim set created_at = created_at - interval '2 hours'`); // prettier-ignore
    const [trouble] = await hung(application);
    expect(trouble!.ids!.toSorted()).toEqual(runs.toSorted());
    for (const id of [...runs, ...behind])
      expect((await adminOf(application).explain(id)).troubles).toMatchObject([
        { text: trouble!.text },
      ]);
    expect((await adminOf(application).explain(free)).troubles).toEqual([]);
    expect(await look(...trouble!.fix.split(' ').slice(3))).toMatchObject({ code: 0 });
    gate.open();
    for (const id of [free, ...behind])
      await eventually(async () => expect((await queues.find(id))?.state).toBe('succeeded'));
    expect(await hung(application)).toEqual([]);
  });

  it('are none of a group in which nobody waits', async () => {
    const gate = aGate();
    const application = await story.start({ providers: [aHandler('work', () => gate.passed)] });
    const { queues } = application;
    for (const group of ['g', 'h']) await queues.enqueue('work', 1, { group, ordered: true });
    await eventually(() => expect(insideOf(application).crew.dispatcher.size).toBe(2));
    await story.database.query(`update simple_queue.claim set created_at = created_at - interval '2 hours'`); // prettier-ignore
    expect(await hung(application)).toEqual([]);
    gate.open();
  });
});
