import { describe, expect, it } from '@jest/globals';
import { constant } from '../../lib/job/backoff.js';
import type { QueueService } from '../../lib/queue.service.js';
import type { JobContext } from '../../lib/job/job-context.js';
import type { JobState } from '../../lib/job/job-state.js';
import { JobResult } from '../../lib/job/job-result.js';
import type { Job } from '../../lib/job/job.js';
import { aHandler } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aStory, untilJobIs } from '../support/story.js';

/** Every byte, and more than one page of them. */
const BYTES = Buffer.from(Array.from({ length: 5_000 }, (_, n) => n % 256));
const JSON_PAYLOAD = { text: 'ä"\\ \u2028', list: [1, null, { deep: true }], big: 2 ** 53 };

const PAYLOADS: [string, unknown, Buffer | undefined][] = [
  ['JSON alone', JSON_PAYLOAD, undefined],
  ['bytes alone', undefined, BYTES],
  ['both', JSON_PAYLOAD, BYTES],
  ['no bytes at all, which are something else than none', null, Buffer.alloc(0)],
];

/** Bytes as text: the difference of two long buffers takes minutes to tell. */
const told = ({ payload, payloadBytes }: { payload: unknown; payloadBytes?: Buffer }) => ({
  payload,
  bytes: payloadBytes?.toString('base64'),
});

type Process = (job: Job<never>, context: JobContext) => unknown;

/** However a job may end in its worker. */
const ENDS: [state: JobState, transactional: boolean, process: Process][] = [
  ['succeeded', false, () => 'done'],
  ['succeeded', true, () => 'done'],
  ['succeeded', true, (_, context) => context.complete('done', { manager: context.manager })],
  ['cancelled', false, () => JobResult.cancel('no')],
  ['failed', false, () => JobResult.fail('no')],
  ['unprocessable', false, () => JobResult.unprocessable('no')],
  ['critical', false, () => JobResult.critical('no')],
  ['expired', false, () => JobResult.rescheduleIn(0)],
];

describe('JSON and bytes, together or alone', () => {
  const story = aStory();

  describe.each(PAYLOADS)('%s', (_, payload, payloadBytes) => {
    const stored = told({ payload: payload ?? null, payloadBytes });

    it.each(ENDS)(
      'reach the handler in each of its runs, and stay with a job that ends as %s',
      async (state, transactional, process) => {
        const seen: unknown[] = [];
        const handler = aHandler(
          'ends',
          (job, context) => {
            seen.push(told(job));
            if (job.attempt === 1 && job.reschedules === 0) throw new Error('once more');
            return process(job, context);
          },
          { transactional, maxAttempts: 2, backoff: constant({ delayMs: 0 }) },
        );
        const application = await story.start({
          providers: [handler],
          options: { rescheduleForMs: 0 },
        });

        const { id } = await application.queues.enqueue('ends', payload, { payloadBytes });

        expect(told(await untilJobIs(state, application, id))).toEqual(stored);
        expect(seen).toEqual([stored, stored]);
      },
    );

    it('stay with a job that waits, and with one that is cancelled while it waits', async () => {
      const { queues } = await story.start({ options: { worker: false } });
      const [answer] = await queues.enqueueMany('waits', [
        { payload, payloadBytes, uniqueKey: 'k', delayMs: 60_000 },
      ]);

      expect(told((await queues.find(answer!.id))!)).toEqual(stored);
      await queues.cancel({ id: answer!.id });

      const cancelled = (await queues.find(answer!.id))!;
      expect([cancelled.state, told(cancelled)]).toEqual(['cancelled', stored]);
    });

    it('come through a crash: given back by the reaper, and buried by it', async () => {
      const { queues } = await story.start({ options: { worker: false } });
      const [innocent, poison] = await queues.enqueueMany('crashed', [1, 2].map(() => ({ payload, payloadBytes }))); // prettier-ignore
      await crashUnder(innocent!.id, { stalls: 0, suspicion: 0 });
      await crashUnder(poison!.id, { stalls: 2, suspicion: 3 });

      const seen: unknown[] = [];
      const application = await story.start({
        providers: [aHandler('crashed', (job) => void seen.push(told(job)))],
      });

      expect(told(await untilJobIs('succeeded', application, innocent!.id))).toEqual(stored);
      expect(told(await untilJobIs('poisoned', application, poison!.id))).toEqual(stored);
      expect(seen).toEqual([stored]);
    });
  });

  /** As a process leaves a job that it had claimed when it died, after so many deaths. */
  async function crashUnder(
    id: string,
    { stalls, suspicion }: { stalls: number; suspicion: number },
  ): Promise<void> {
    await story.database.query('delete from simple_queue.ready where id = $1', [id]);
    await story.database.query(
      'update simple_queue.job set stalls = $2, suspicion = $3 where id = $1',
      [id, stalls, suspicion],
    );
    await story.database.query(
      `insert into simple_queue.claim (id, shard, lease, jobs, epochs) values (gen_random_uuid(), 0, gen_random_uuid(), array[$1::uuid], '{0}')`,
      [id],
    );
  }
});

describe('a payload', () => {
  const story = aStory();
  const PAYLOAD = {
    zebra: 1,
    b: { y: 1, a: [{ d: 1, c: 2 }] },
    a: 1e21,
    tiny: 1e-7,
    '10': 'x',
    text: '\u2028\u00e4',
  };
  const given = JSON.stringify(PAYLOAD);

  it.each<[string, (queues: QueueService) => Promise<unknown>]>([
    ['alone, beside an idle worker', (queues) => queues.enqueue('letters', PAYLOAD)],
    [
      'of a batch',
      (queues) => queues.enqueueMany('letters', [{ payload: PAYLOAD }, { payload: PAYLOAD }]),
    ],
    ['with a key', (queues) => queues.enqueue('letters', PAYLOAD, { uniqueKey: 'k' })],
    ['of a group', (queues) => queues.enqueue('letters', PAYLOAD, { group: 'g', ordered: true })],
    [
      'that takes the place of another',
      async (queues) => {
        await queues.enqueue('letters', {}, { uniqueKey: 'r', delayMs: 60_000 });
        return queues.enqueue('letters', PAYLOAD, {
          uniqueKey: 'r',
          onConflict: 'replace',
          delayMs: 0,
        });
      },
    ],
  ])(
    '%s is the same in each attempt, to the letter, whatever a run did to it',
    async (_, enqueue) => {
      const seen: string[] = [];
      const handler = aHandler(
        'letters',
        (job: Job<never>) => {
          const payload = job.payload as unknown as Record<string, unknown>;
          seen.push(JSON.stringify(payload));
          delete payload.zebra;
          if (job.attempt < 3) throw new Error('once more');
        },
        { maxAttempts: 3, backoff: constant({ delayMs: 0 }) },
      );
      const application = await story.start({ providers: [handler] });
      await enqueue(application.queues);
      await eventually(() => expect(application.seen('succeeded').length).toBeGreaterThan(0));
      await eventually(() => expect(seen.length % 3).toBe(0));
      expect(new Set(seen)).toEqual(new Set([given]));
    },
  );
});
