import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { QueueSchedules } from '../../lib/schedules/queue-schedules.js';
import { constant, QueueService, UnprocessableError } from 'nestjs-simple-queue';
import { aHandler } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { aGate, type Gate } from '../support/gate.js';
import { Rows } from '../support/rows.js';
import { aDashboard, type TestDashboard } from './a-dashboard.js';

/** It lives, and says what is wrong with it. */
export const STUCK_WORKER = 'shop-5d1e:4';

export const DEAD_WORKER = 'shop-7f9c:9';

/** As the reaper says it. */
export const POISON =
  'The process died 3 times while this job was suspected of it, at last while it ran alone.';

interface Night extends TestDashboard {
  /** The job that each trouble comes down to. */
  ids: Record<'poison' | 'ledger' | 'import' | 'held' | 'hung', string>;
}

/** Everything that is wrong at once, in an application whose worker lives. */
export async function aNight(database: TestDatabase): Promise<Night> {
  const gate = aGate();
  const it_ = await aDashboard(database, {
    dashboard: { actor: () => 'grace@example.com' },
    options: {
      worker: true,
      // What the dead worker holds is to be seen.
      reaperIntervalMs: '1 h',
      queues: { ledger: { maxAttempts: 1 }, imports: { fleetConcurrency: 1 } },
    },
    module: { providers: handlers(gate) },
  });
  const night = await plant(it_, database);
  const close = (): Promise<void> => {
    gate.open();
    return it_.close();
  };
  return { ...it_, ids: night, close };
}

const handlers = (gate: Gate) => [
  aHandler(
    'mail',
    () => {
      throw Object.assign(new Error('connect ECONNREFUSED 10.1.2.3:587'), { code: 'ECONNREFUSED' });
    },
    { backoff: constant({ delayMs: '1 h' }) },
  ),
  aHandler('ledger', ({ payload }) => {
    if (payload === 'bad') throw new UnprocessableError('account 7 is closed');
  }),
  aHandler('imports', () => gate.passed),
  aHandler('video', () => undefined),
  aHandler('thumbnails', () => {
    throw new UnprocessableError('no image');
  }),
  aHandler('reports', () => undefined),
];

async function plant({ app }: TestDashboard, database: TestDatabase): Promise<Night['ids']> {
  const [queues, admin] = [app.get(QueueService), app.get(QueueAdmin)];
  const schedules = app.get(QueueSchedules);
  const rows = new Rows(database);
  for (let n = 0; n < 7; n++) await queues.enqueue('mail', { to: `customer-${n}@example.com` });
  const { id: poison } = await queues.enqueue('thumbnails', { image: 7 });
  const ordered = { group: 'account 7', ordered: true };
  const [bad] = await queues.enqueueMany('ledger', [
    { payload: 'bad', ...ordered },
    { payload: 'good', ...ordered },
  ]);
  // Nobody has a handler for it: a worker that has not heard of the pause would run it.
  await queues.enqueue('webhooks', { url: '/hooks' });
  await admin.as('ada@example.com').pause('webhooks');
  const imports = await queues.enqueueMany('imports', [{ payload: 1 }]);
  const import_ = imports[0]!.id;
  await eventually(async () => (await queues.find(import_))?.state === 'running');
  const held = await queues.enqueue('imports', 2);
  const lease = await rows.lease('-10 minutes', DEAD_WORKER);
  await database.query(`update simple_queue.lease set about = $2 where id = $1`, [
    lease,
    { host: 'shop-7f9c', version: '1.0.0', loopMs: 45_000, memoryMb: 3_900 },
  ]);
  await rows.job({ queue: 'video', state: 'running', lease });
  for (const [name, cron] of [
    ['nightly-report', '0 2 * * *'],
    ['weekly-report', '0 2 * * 1'],
  ] as const)
    await schedules.put(name, { cron, target: 'reports' });
  await eventually(async () => {
    expectEnded(await queues.find(poison));
    expectEnded(await queues.find(bad!.id));
    const { failing } = (await admin.errors({ queue: 'mail' }))[0]!;
    if (failing < 7) throw new Error(`Only ${failing} mails have failed.`);
  });
  await makeOld(database, { poison, held: held.id });
  const hung = await hang(database);
  return { poison, ledger: bad!.id, import: import_, held: held.id, hung };
}

/** A worker whose only slot for exports is taken for hours, and one of whose loops fails. */
async function hang(database: TestDatabase): Promise<string> {
  const rows = new Rows(database);
  const lease = await rows.lease('1 day', STUCK_WORKER);
  const { id, lane } = await rows.job({ queue: 'exports', state: 'running', lease });
  await rows.job({ queue: 'exports', due: '-20 minutes' });
  const full = { slots: 1, oldestMs: 7_200_000, youngestMs: 7_200_000, over: false, timed: false };
  const failing = {
    loop: 'tick',
    silentMs: 600_000,
    error: 'permission denied for table schedule',
  };
  await database.query(`update simple_queue.lease set lanes = $2, about = $3 where id = $1`, [
    lease,
    [lane],
    { full: [{ ...full, held: [lane], ids: [id] }], failing: [failing] },
  ]);
  return id;
}

function expectEnded(job: { state: string } | undefined): void {
  if (job?.state !== 'unprocessable') throw new Error(`It is ${job?.state}.`);
}

/** What takes hours, and a process or three. */
async function makeOld(
  database: TestDatabase,
  { poison, held }: Record<'poison' | 'held', string>,
): Promise<void> {
  await database.query(
    `with j as (update simple_queue.job set run_at = now() - interval '20 minutes' where id = $1 returning id, run_at)
     update simple_queue.ready r set run_at = j.run_at from j where r.id = j.id`,
    [held],
  );
  await database.query(
    `update simple_queue.dead_letter set state = 'poisoned', stalls = 3, last_error = $2 where id = $1`,
    [poison, { name: 'QueueError', code: 'JOB_POISONED', message: POISON }],
  );
  await database.query(
    `update simple_queue.queue set paused_at = now() - interval '3 hours' where name = 'webhooks'`,
  );
  await database.query(
    `update simple_queue.schedule set next_at = now() - interval '5 hours', spec = jsonb_set(spec, '{cron}', '"never"'), hash = 'broken' where name = 'nightly-report'`,
  );
}
