import { describe, expect, it } from '@jest/globals';
import { JobResult } from '../../lib/job/job-result.js';
import { aHandler, type TestApplication } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { Rival, waitingBackends } from '../support/storage.js';
import { aStory, untilJobIs } from '../support/story.js';

const NOTHING = { cancelled: 0, requested: 0 };
const ENDED = { cancelled: 1, requested: 0 };
const ASKED = { cancelled: 0, requested: 1 };
const AN_HOUR = 3_600_000;

describe('cancel', () => {
  const story = aStory();

  /** Runs until the test opens the gate, then does what `ending` says. */
  async function aRunningJob(
    queue: string,
    ending: (signal: AbortSignal) => unknown,
    options = {},
  ) {
    const gate = aGate();
    const signals: AbortSignal[] = [];
    const handler = async (_job: unknown, { signal }: { signal: AbortSignal }) => {
      signals.push(signal);
      await gate.passed;
      return ending(signal);
    };
    const application = await story.start({ options, providers: [aHandler(queue, handler)] });
    const { id } = await application.queues.enqueue(queue, {}, { maxAttempts: 5 });
    await eventually(() => expect(signals.length).toBe(1));
    return { application, id, signals, gate };
  }

  const untilAborted = (signals: AbortSignal[]) =>
    eventually(() => expect(signals[0]!.reason).toMatchObject({ code: 'JOB_CANCELLED' }));

  const stateOf = async ({ queues }: TestApplication, id: string) => (await queues.find(id))?.state;

  it('ends a waiting and a scheduled job at once', async () => {
    const application = await story.start({ options: { worker: false } });
    const { queues } = application;
    const waiting = await queues.enqueue('idle', {}, { fingerprint: 'customer 7' });
    const later = await queues.enqueue('idle', {}, { delayMs: AN_HOUR, uniqueKey: 'later' });

    expect(await queues.cancel({ fingerprint: 'customer 7' })).toEqual(ENDED);
    expect(await queues.cancel({ queue: 'idle', uniqueKey: 'later' })).toEqual(ENDED);

    expect(await stateOf(application, waiting.id)).toBe('cancelled');
    expect(await stateOf(application, later.id)).toBe('cancelled');
    expect(await queues.cancel({ id: waiting.id })).toEqual(NOTHING);
  });

  it('leaves what has ended alone', async () => {
    const application = await story.start({ providers: [aHandler('ended', () => 'kept')] });
    const { id } = await application.queues.enqueue('ended', {});
    await untilJobIs('succeeded', application, id);

    expect(await application.queues.cancel({ id })).toEqual(NOTHING);

    expect(await application.queues.find(id)).toMatchObject({ state: 'succeeded', output: 'kept' });
  });

  it('aborts a running job; what fails after that is cancelled, never retried', async () => {
    const { application, id, signals, gate } = await aRunningJob('asked', (signal) =>
      signal.throwIfAborted(),
    );

    expect(await application.queues.cancel({ id })).toEqual(ASKED);
    await untilAborted(signals);
    gate.open();

    const job = await untilJobIs('cancelled', application, id);
    await eventually(() => expect(application.seen('cancelled')).toMatchObject([{ id }]));
    expect(application.seen('retried')).toEqual([]);
    expect(job.finishedAt).toBeInstanceOf(Date);
    expect(signals.length).toBe(1);
  });

  it.each([
    ['a thrown error', () => Promise.reject(new Error('no'))],
    ['JobResult.fail', () => JobResult.fail('no')],
    ['a reschedule', () => JobResult.rescheduleIn(AN_HOUR)],
    ['a retry', () => JobResult.retryIn(AN_HOUR)],
    ['critical', () => JobResult.critical('no')],
  ])('ends as cancelled after %s that follows the request', async (_name, ending) => {
    const { application, id, gate, signals } = await aRunningJob('any-failure', ending);
    await application.queues.cancel({ id });
    await untilAborted(signals);

    gate.open();

    await untilJobIs('cancelled', application, id);
  });

  it('lets a success that commits first win', async () => {
    const { application, id, signals, gate } = await aRunningJob('wins', () => 'done');

    await application.queues.cancel({ id });
    await untilAborted(signals);
    gate.open();

    expect(await untilJobIs('succeeded', application, id)).toMatchObject({ output: 'done' });
  });

  it('reaches a job that runs in another process, with wake-ups and without', async () => {
    for (const wakeUp of ['listen', 'off'] as const) {
      const { id, signals, gate, application } = await aRunningJob(
        `elsewhere-${wakeUp}`,
        (signal) => signal.throwIfAborted(),
        {
          wakeUp,
        },
      );
      const other = await story.start({ options: { worker: false } });

      expect(await other.queues.cancel({ id })).toEqual(ASKED);
      await untilAborted(signals);
      gate.open();

      await untilJobIs('cancelled', application, id);
    }
  });

  it("takes effect when the caller's transaction commits, and not at all when it rolls back", async () => {
    const application = await story.start({ options: { worker: false } });
    const { queues, dataSource } = application;
    const [kept, gone] = await queues.enqueueMany('transactional-cancel', [
      { payload: 1 },
      { payload: 2 },
    ]);
    const cancelIn = (id: string, error?: Error) =>
      dataSource.transaction(async (manager) => {
        expect(await queues.cancel({ id }, { manager })).toEqual(ENDED);
        if (error) throw error;
      });

    await expect(cancelIn(kept!.id, new Error('undo'))).rejects.toThrow('undo');
    await cancelIn(gone!.id);

    expect(await stateOf(application, kept!.id)).toBe('ready');
    expect(await stateOf(application, gone!.id)).toBe('cancelled');
  });

  it('of several calls with one object ends what each was given', async () => {
    const { queues, dataSource } = await story.start({ options: { worker: false } });
    const items = Array.from({ length: 3 }, (_, payload) => ({ payload }));
    const jobs = await queues.enqueueMany('reused', items);
    const selector = { id: '' };
    const counts = await dataSource.transaction((manager) =>
      Promise.all(
        jobs.map(({ id }) => queues.cancel(Object.assign(selector, { id }), { manager })),
      ),
    );
    expect(counts).toEqual([ENDED, ENDED, ENDED]);
  });

  it('asks a running job to stop when the transaction of its cancel commits', async () => {
    const { application, id, signals, gate } = await aRunningJob('committed-cancel', (signal) =>
      signal.throwIfAborted(),
    );

    await application.dataSource.transaction(async (manager) => {
      expect(await application.queues.cancel({ id }, { manager })).toEqual(ASKED);
    });

    await untilAborted(signals);
    gate.open();
    await untilJobIs('cancelled', application, id);
  });

  it('frees the unique key; the old run that fails afterwards does not touch the new job', async () => {
    const { application, gate, signals } = await aRunningJob('rekeyed', () =>
      Promise.reject(new Error('old run')),
    );
    const { queues } = application;
    const first = await queues.enqueue('rekeyed-key', {}, { uniqueKey: 'k', delayMs: AN_HOUR });
    await queues.cancel({ id: first.id });
    const second = await queues.enqueue('rekeyed-key', {}, { uniqueKey: 'k', delayMs: AN_HOUR });

    expect(second).toMatchObject({ created: true });
    expect(await queues.cancel({ fingerprint: 'nobody' })).toEqual(NOTHING);
    await queues.cancel({ queue: 'rekeyed-key', uniqueKey: 'k' });
    expect(await stateOf(application, second.id)).toBe('cancelled');
    gate.open();
    expect(signals.length).toBe(1);
  });

  it('cancels what a timeout or a failure has put back for later', async () => {
    const application = await story.start({
      providers: [aHandler('retrying', () => JobResult.retryIn(AN_HOUR))],
    });
    const { id } = await application.queues.enqueue('retrying', {});
    await untilJobIs('scheduled', application, id);

    expect(await application.queues.cancel({ id })).toEqual(ENDED);

    expect(await application.queues.find(id)).toMatchObject({ state: 'cancelled', attempt: 1 });
  });

  it('ends at once what is put back for later at the very moment of its cancel', async () => {
    const { application, id, gate } = await aRunningJob('put-back', () => undefined);
    const rival = await Rival.connect(story.database);
    await rival.begin();
    await rival.query(
      `with moved as (update simple_queue.job set epoch = epoch + 1, run_at = statement_timestamp() + interval '1 hour' where id = $1 returning *)
       insert into simple_queue.scheduled (run_at, shard, id, lane, priority, epoch) select run_at, shard, id, lane, priority, epoch from moved`,
      [id],
    );

    const cancelled = application.queues.cancel({ id });
    await eventually(async () => expect(await waitingBackends(story.database)).toBeGreaterThan(0));
    await rival.commit();

    expect(await cancelled).toEqual(ENDED);
    expect(await stateOf(application, id)).toBe('cancelled');
    await rival.close();
    gate.open();
  });

  it('keeps no cancelled job where the archive is off', async () => {
    const application = await story.start({ options: { worker: false, archive: false } });
    const { id } = await application.queues.enqueue('unkept', {});

    expect(await application.queues.cancel({ id })).toEqual(ENDED);

    expect(await application.queues.find(id)).toBeUndefined();
  });

  it('cancels thousands by fingerprint in bounded batches, and counts them', async () => {
    const application = await story.start({ options: { worker: false } });
    const items = Array.from({ length: 2_500 }, () => ({ payload: {}, fingerprint: 'mass' }));
    await application.queues.enqueueMany('mass', items);

    expect(await application.queues.cancel({ fingerprint: 'mass' })).toEqual({
      cancelled: 2_500,
      requested: 0,
    });
  });
});
