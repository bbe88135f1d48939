import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { EntityManager } from 'typeorm';
import { aHandler, QUICK, type TestApplication } from '../support/application.js';
import { Child } from '../support/child.js';
import {
  COMPLETIONS,
  CRASH_POINTS,
  writeLedger,
  type CrashPoint,
  type Striker,
} from '../support/crash-points.js';
import { eventually } from '../support/eventually.js';
import { patient } from '../support/patience.mjs';
import { aStory, untilJobIs } from '../support/story.js';

const CHILD = new URL('./child-worker.ts', import.meta.url);
/** From here on the effect is in the database, so the job must not run again. */
const COMMITTED: readonly CrashPoint[] = ['before-the-answer', 'after-the-answer'];

describe('I4 exactly-once effect, with a fault at every point of the transaction', () => {
  const story = aStory();
  let children: Child[] = [];

  beforeAll(() => story.database.query('create table ledger (job uuid, pid int)'));
  afterEach(async () => {
    await Promise.all(children.map((child) => child.kill()));
    children = [];
  });

  const ledger = async (id: string) =>
    (await story.database.query('select from ledger where job = $1', [id])).length;

  const aWorker = (handlers: string, queues: string[]): Child => {
    const options = JSON.stringify({ ...QUICK, worker: { queues } });
    const child = new Child(CHILD, {
      DATABASE_URL: story.database.url,
      CHILD_HANDLERS: handlers,
      CHILD_OPTIONS: options,
    });
    children.push(child);
    return child;
  };

  it.each(COMPLETIONS)(
    'the process is killed: %s',
    async (completion) => {
      const { queues } = await story.start({ options: { worker: false } });
      const doomed = [];
      for (const point of CRASH_POINTS) {
        const queue = `crash.${completion}.${point}`;
        const { id } = await queues.enqueue(queue, point);
        doomed.push({ point, id, child: aWorker(`crash.${completion}`, [queue]) });
      }
      for (const { child } of doomed) expect(await child.exited()).toBe('SIGKILL');
      const after = await Promise.all(doomed.map(({ id }) => ledger(id)));

      aWorker(`crash.${completion}`, [`crash.${completion}.*`]);

      expect(after).toEqual(CRASH_POINTS.map((point) => (COMMITTED.includes(point) ? 1 : 0)));
      for (const { id, point, child } of doomed) {
        const job = await eventually(async () => {
          const found = await queues.find(id);
          if (found?.state !== 'succeeded') throw new Error(`${point}: ${found?.state}`);
          return found;
        });
        expect(await ledger(id)).toBe(1);
        expect(job.output === child.pid).toBe(COMMITTED.includes(point));
      }
    },
    patient(60_000),
  );

  describe("the server's end of the connection is killed", () => {
    let application: TestApplication;

    /** Once a job. */
    const struck = new Set<string>();
    const killer: Striker = {
      pointOf: async (job) => (struck.has(job.id) ? undefined : (struck.add(job.id), job.payload)),
      strike: killConnection,
      dataSource: () => application.dataSource,
    };

    /** What the server had answered before it died is lost on the way, too. */
    async function killConnection({ queryRunner }: EntityManager): Promise<void> {
      const client = (await queryRunner!.connect()) as {
        processID: number;
        connection: { stream: { destroy(): void } };
      };
      await story.database.query('select pg_terminate_backend($1)', [client.processID]);
      const gone = 'select from pg_stat_activity where pid = $1';
      await eventually(async () =>
        expect(await story.database.query(gone, [client.processID])).toEqual([]),
      );
      if (queryRunner!.isTransactionActive) client.connection.stream.destroy();
    }

    it.each(
      COMPLETIONS.flatMap((completion) =>
        CRASH_POINTS.map((point) => [completion, point] as const),
      ),
    )('%s, %s', async (completion, point) => {
      const transactional = completion === 'transactional';
      const queue = `${completion}.${point}`;
      application = await story.start({
        providers: [
          aHandler(
            queue,
            (job, context) =>
              transactional
                ? writeLedger(killer, { job, context, manager: context.manager })
                : application.dataSource.transaction((manager) =>
                    writeLedger(killer, { job, context, manager }, 'done'),
                  ),
            { transactional, backoff: { type: 'constant', delayMs: 0 } },
          ),
        ],
      });
      const { id } = await application.queues.enqueue(queue, point);

      await untilJobIs('succeeded', application, id);

      expect(await ledger(id)).toBe(1);
      await eventually(() => expect(application.seen('succeeded').length).toBe(1));
      expect(application.seen('retried').length).toBe(COMMITTED.includes(point) ? 0 : 1);
      expect(application.seen('leaseLost')).toEqual([]);
    });
  });
});
