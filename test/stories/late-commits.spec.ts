import { afterEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { aHandler, type TestApplication } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aStory } from '../support/story.js';
import { scaled } from '../support/patience.mjs';

const LATE = 1_000;
const items = (count: number, priority: (n: number) => number = () => 0) =>
  Array.from({ length: count }, (_, n) => ({ payload: 'late', priority: priority(n) }));

/** What lands behind the hints of a worker, in numbers. */
describe('a backlog that was committed late', () => {
  const story = aStory();
  let ran: string[] = [];
  /** How many jobs each claim since the first late one has brought. */
  let claims: number[] = [];

  afterEach(() => {
    ran = [];
    claims = [];
  });

  const lateOnes = () => ran.filter((payload) => payload === 'late').length;

  /** A range claims ten at a time, and nothing ahead. */
  async function aWorker(): Promise<TestApplication> {
    const application = await story.start({
      providers: [
        aHandler('mail', ({ payload }) => void ran.push(payload), {
          concurrency: { min: 9, max: 10 },
        }),
      ],
      options: { pollIntervalMs: 50, heartbeatIntervalMs: 500, leaseMs: scaled(5_000) },
    });
    application.events.on('polled', ({ wanted, claimed }) => {
      if (wanted > 0 && lateOnes() > 0 && lateOnes() < LATE) claims.push(claimed);
    });
    return application;
  }

  /** Others are stored and run, so that the hints have passed what is under way. */
  async function others(
    { queues }: TestApplication,
    priority: (n: number) => number = () => 0,
  ): Promise<void> {
    const before = ran.length;
    await queues.enqueueMany('mail', Array.from({ length: 40 }, (_, n) => ({ payload: 'other', priority: priority(n) }))); // prettier-ignore
    await eventually(() => ran.length === before + 40);
  }

  /** Each claim that brings nothing is a rest of one poll interval: some hundred of them, where only looks back find the next ten. */
  async function drained(): Promise<void> {
    await eventually(() => lateOnes() === LATE, { timeoutMs: 20_000 });
    expect(claims.filter((claimed) => claimed === 0).length).toBeLessThan(10);
  }

  it.each<[string, (n: number) => number]>([
    ['one priority', () => 0],
    ['five priorities', (n) => n % 5],
    ['more priorities than there are hints', (n) => (n % 40) - 20],
  ])('in one transaction drains without a pause: %s', async (_, priority) => {
    const application = await aWorker();
    await application.dataSource.transaction(async (manager) => {
      await application.queues.enqueueMany('mail', items(LATE, priority), { manager });
      await others(application, priority);
    });
    await drained();
  });

  /** The drain of one has made claims slow, which says nothing of what the look back for the next one costs. */
  it('again and again is found by the next claims, beside jobs that come on and on', async () => {
    const { queues, dataSource } = await story.start({ options: { worker: false } });
    const handler = aHandler('mail', ({ payload }) => void ran.push(payload));
    const { events } = await story.start({ providers: [handler] });
    const rounds = 7;
    let open: number | undefined;
    const looks: number[] = [];
    events.on('polled', ({ wanted }) => {
      if (wanted > 0 && lateOnes() === open) looks.push(looks.pop()! + 1);
    });
    const comeOn = async (): Promise<void> => {
      while (lateOnes() < rounds * LATE) await queues.enqueue('mail', 'other');
    };
    const coming = comeOn();
    for (let round = 0; round < rounds; round++) {
      await dataSource.transaction(async (manager) => {
        await queues.enqueueMany('mail', items(LATE), { manager });
        const before = ran.length;
        await eventually(() => ran.length > before + 50);
      });
      looks.push(0);
      open = round * LATE;
      await eventually(() => lateOnes() === (round + 1) * LATE, { timeoutMs: 20_000 });
    }
    await coming;
    // A machine that was busy at one of these moments has made it one of many looks.
    expect(looks.toSorted((a, b) => a - b)[rounds >> 1]).toBeLessThan(15);
  });

  it('in a statement of many enqueues drains without a pause', async () => {
    const application = await aWorker();
    const sql = `select simple_queue.enqueue('mail', '"late"') from generate_series(1, ${LATE})`;
    await application.dataSource.transaction(async (manager) => {
      await manager.query(sql);
      await others(application);
    });
    await drained();
  });

  it('and given times long past drains without a pause', async () => {
    const application = await aWorker();
    await others(application);
    const sql = `select simple_queue.enqueue('mail', '"late"', run_at => now() - n * interval '1 second') from generate_series(1, ${LATE}) n`;
    await story.database.query(sql);
    await drained();
  });

  it('after the clock of the server stepped back an hour drains without a pause', async () => {
    const application = await story.start({ options: { worker: false } });
    await application.queues.enqueue('mail', 'other');
    for (const table of ['job', 'ready'])
      await story.database.query(
        `update simple_queue.${table} set run_at = run_at + interval '1 hour'`,
      );
    const worker = await aWorker();
    await eventually(() => ran.length === 1);
    await worker.queues.enqueueMany('mail', items(LATE));
    await drained();
  });

  it('drains by several processes, each with hints of its own', async () => {
    const [one] = await Promise.all([aWorker(), aWorker()]);
    await one.dataSource.transaction(async (manager) => {
      await one.queues.enqueueMany('mail', items(LATE), { manager });
      await others(one);
    });
    await drained();
    expect(lateOnes()).toBe(LATE);
  });

  it('is found at once where forty requests commit side by side, each its own job', async () => {
    const { queues, app } = await story.start({
      providers: [aHandler('mail', ({ payload }) => void ran.push(payload))],
      options: { pollIntervalMs: 60_000 },
    });
    const dataSource = app.get(DataSource);
    for (let round = 1; round <= 8; round++) {
      await Promise.all(
        Array.from({ length: 40 }, () =>
          dataSource.transaction((manager) => queues.enqueue('mail', 'late', { manager })),
        ),
      );
      await eventually(() => expect(ran).toHaveLength(round * 40));
    }
  });
});
