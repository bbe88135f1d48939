import { describe, expect, it } from '@jest/globals';
import { aHandler } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { aStory, untilJobIs } from '../support/story.js';

describe('what becomes of a second job with a key', () => {
  const story = aStory();

  it('replace: the handler gets the last payload, once', async () => {
    const payloads: unknown[] = [];
    const application = await story.start({
      options: { worker: { autoStart: false } },
      providers: [aHandler('index', (job) => void payloads.push(job.payload))],
    });
    const { queues, worker } = application;
    const enqueue = (payload: number) =>
      queues.enqueue('index', payload, { uniqueKey: 'page', onConflict: 'replace' });
    const answers = await Promise.all([1, 2, 3, 4, 5].map(enqueue));
    const last = await enqueue(6);

    await worker.start();
    await untilJobIs('succeeded', application, last.id);

    expect(payloads).toEqual([6]);
    expect(new Set(answers.map(({ id }) => id))).toEqual(new Set([last.id]));
    expect(answers.filter(({ created }) => created)).toHaveLength(1);
    expect(last).toEqual({ id: last.id, created: false, outcome: 'replaced' });
  });

  it('replace wakes the worker for a job that was to run much later', async () => {
    const application = await story.start({
      options: { pollIntervalMs: 60_000 },
      providers: [aHandler('early', () => undefined)],
    });
    const options = { uniqueKey: 'k', onConflict: 'replace' } as const;
    const { id } = await application.queues.enqueue('early', 1, { ...options, delayMs: 3_600_000 });
    await application.queues.enqueue('early', 2, options);
    expect(await untilJobIs('succeeded', application, id)).toMatchObject({ payload: 2 });
  });

  it('debounce: runs once, a period after the last call, with its payload', async () => {
    const periodMs = 400;
    const payloads: unknown[] = [];
    const application = await story.start({
      // However long the calls take, none finds the job running.
      options: { worker: { autoStart: false } },
      providers: [aHandler('search', (job) => void payloads.push(job.payload))],
    });
    const enqueue = (payload: number) =>
      application.queues.enqueue('search', payload, {
        uniqueKey: 'box',
        onConflict: 'debounce',
        periodMs,
      });
    const { id } = await enqueue(1);
    const postponed = { id, created: false, outcome: 'postponed' };
    for (let n = 2; n < 10; n++) expect(await enqueue(n)).toEqual(postponed);
    const [last] = await story.database.query<{ at: Date }>('select clock_timestamp() as at');
    expect(await enqueue(10)).toEqual(postponed);
    await application.worker.start();

    const job = await untilJobIs('succeeded', application, id);

    expect(payloads).toEqual([10]);
    expect(job.finishedAt!.getTime() - last!.at.getTime()).toBeGreaterThanOrEqual(periodMs);
  });

  it('says that the job runs, and takes a new one when it has ended', async () => {
    const gate = aGate();
    const application = await story.start({ providers: [aHandler('busy', () => gate.passed)] });
    const { queues } = application;
    const options = { uniqueKey: 'k', onConflict: 'replace' } as const;
    const { id } = await queues.enqueue('busy', 1, options);
    await eventually(() => application.seen('started').length === 1);

    expect(await queues.enqueue('busy', 2, options)).toEqual({
      id,
      created: false,
      outcome: 'running',
    });
    gate.open();
    await untilJobIs('succeeded', application, id);

    expect(await queues.find(id)).toMatchObject({ payload: 1 });
    expect(await queues.enqueue('busy', 3, options)).toMatchObject({ created: true });
  });

  it.each([[{}], [{ archive: false } as const]])(
    'throttle: one run a period from 20 producers, whatever is kept: %j',
    async (keeping) => {
      let runs = 0;
      const queue = 'archive' in keeping ? 'tick-unkept' : 'tick';
      const application = await story.start({
        options: { ...keeping },
        providers: [aHandler(queue, () => void runs++)],
      });
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, async () => {
          const seen: string[] = [];
          for (let n = 0; n < 10; n++) {
            const options = {
              uniqueKey: 'k',
              onConflict: 'throttle',
              periodMs: 3_600_000,
            } as const;
            seen.push((await application.queues.enqueue(queue, {}, options)).outcome);
          }
          return seen;
        }),
      );
      expect(outcomes.flat().filter((outcome) => outcome === 'created')).toHaveLength(1);
      expect(outcomes.flat().filter((outcome) => outcome === 'throttled')).toHaveLength(199);
      await eventually(() => runs === 1);
    },
  );

  it('tells listeners the outcome', async () => {
    const application = await story.start({ options: { worker: false } });
    const seen: string[] = [];
    application.events.on('enqueued', ({ outcome }) => void seen.push(outcome));
    const options = { uniqueKey: 'told', onConflict: 'debounce', periodMs: 60_000 } as const;
    await application.queues.enqueue('told', 1, options);
    await application.queues.enqueue('told', 1, options);
    expect(seen).toEqual(['created', 'postponed']);
  });
});
