import { describe, expect, it } from '@jest/globals';
import type { EnqueueOptions } from '../../lib/job/enqueue-options.js';
import { JobQueue } from '../../lib/pull/job-queue.js';
import { Uuid7 } from '../../lib/runtime/uuid7.js';
import { InMemoryJobQueue } from '../../lib/testing/in-memory-job-queue.js';
import { RecordingQueueService } from '../../lib/testing/recording-queue.service.js';
import { workflow } from '../../lib/workflows/builder.js';
import { QueueWorkflows } from '../../lib/workflows/queue-workflows.js';
import type { TestApplication } from '../support/application.js';
import { aStory } from '../support/story.js';

type Enqueue = (
  queue: string,
  payload: unknown,
  options: EnqueueOptions,
) => Promise<{ id: string; created: boolean }>;

const last = '-8b18-4000-abb8-2fbae63e7753';
/** Before and behind every id that is made here, and one as the library makes them. */
const IDS: [string, () => string][] = [
  ['before all', () => `00${crypto.randomUUID().slice(2)}`],
  ['behind all', () => `ff${crypto.randomUUID().slice(2)}`],
  ['of version 7', () => new Uuid7().next()],
];

describe('an id that is known wins over a key that another job holds', () => {
  const story = aStory();

  const started = () => story.start({ options: { worker: false } });

  async function doors(
    application?: TestApplication,
  ): Promise<[string, Enqueue, cancel: (id: string) => Promise<unknown>][]> {
    const { queues, app, dataSource } = application ?? (await started());
    const pull = app.get(JobQueue);
    const memory = new InMemoryJobQueue();
    const recording = new RecordingQueueService();
    const cancel = (id: string) => queues.cancel({ id });
    return [
      ['enqueue', (...call) => queues.enqueue(...call), cancel],
      [
        'enqueueMany',
        async (queue, payload, options) =>
          (await queues.enqueueMany(queue, [{ payload, ...options }]))[0]!,
        cancel,
      ],
      [
        'in a transaction',
        (queue, payload, options) =>
          dataSource.transaction((manager) =>
            queues.enqueue(queue, payload, { ...options, manager }),
          ),
        cancel,
      ],
      [
        'beside others',
        async (queue, payload, options) =>
          (
            await queues.enqueueMany(queue, [
              { payload: 0 },
              { payload, ...options },
              { payload: 0, id: crypto.randomUUID() },
            ])
          )[1]!,
        cancel,
      ],
      ['pull', (...call) => pull.enqueue(...call), cancel],
      ['in memory', (...call) => memory.enqueue(...call), (id) => memory.cancel(id)],
      ['recording', (...call) => recording.enqueue(...call), (id) => recording.cancel({ id })],
    ];
  }

  it.each(IDS)(
    'with an id %s, live here or elsewhere, or ended, whichever came first',
    async (_, newId) => {
      for (const [door, enqueue, cancel] of await doors())
        for (const [n, [queue, ends, keyFirst]] of (
          [
            ['mail', false, false],
            ['mail', false, true],
            ['other', false, false],
            ['mail', true, false],
            ['mail', true, true],
          ] as const
        ).entries()) {
          const [id, uniqueKey] = [newId(), `${door}:${n}${last}`];
          if (keyFirst) await enqueue('mail', 2, { uniqueKey });
          await enqueue(queue, 1, { id });
          if (ends) await cancel(id);
          if (!keyFirst) await enqueue('mail', 2, { uniqueKey });

          const again = await enqueue('mail', 3, { id, uniqueKey });

          expect([door, n, again]).toMatchObject([door, n, { id, created: false }]);
        }
    },
  );

  it('is that of a step, which has not begun, runs, or has nothing left but its workflow', async () => {
    const application = await started();
    const workflows = application.app.get(QueueWorkflows, { strict: false });
    for (const [door, enqueue] of (await doors(application)).slice(0, 5)) {
      const flow = workflow('two')
        .step('a', 'mail', 1, { compensate: ['mail', 2] })
        .step('b', 'mail', 1, { after: 'a' });
      const { steps } = (await workflows.find((await workflows.start(flow)).id))!;
      const [a, b] = steps.map(({ ids }) => ids[0]!) as [string, string];
      const known = [a, b, ...steps[0]!.compensation!.ids];
      const lost = `delete from simple_queue.ready where id = '${a}'; delete from simple_queue.job where id = '${a}'`; // prettier-ignore
      for (const deed of ['select', lost]) {
        await story.database.query(deed);
        for (const id of known)
          expect([door, await enqueue('other', 3, { id, uniqueKey: `${door}${deed}${id}` })]).toMatchObject([door, { id, created: false }]); // prettier-ignore
      }
      const jobs = await story.database.query<{ id: string }>('select id from simple_queue.job where id = any($1)', [known]); // prettier-ignore
      expect(jobs).toEqual([]);
    }
  });

  it.each(IDS)(
    'and the holder of the key is told where the id %s is not known, which stays free',
    async (_, newId) => {
      for (const [door, enqueue, cancel] of await doors()) {
        const [id, uniqueKey] = [newId(), door];
        const { id: holder } = await enqueue('mail', 2, { uniqueKey });
        const call = () => enqueue('mail', 3, { id, uniqueKey });
        expect([door, await call()]).toMatchObject([door, { id: holder, created: false }]);
        expect([door, await call()]).toMatchObject([door, { id: holder, created: false }]);
        await cancel(holder);
        expect([door, await call()]).toMatchObject([door, { id, created: true }]);
      }
    },
  );
});
