// A worker in a process of its own, for stories that kill it, freeze it or give it a wrong clock. Says what happens as JSON lines.
import 'reflect-metadata';
import { existsSync } from 'node:fs';
import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { step } from '../../lib/job/added-step.js';
import { JobResult } from '../../lib/job/job-result.js';
import { QueueEventBus } from '../../lib/observability/events.js';
import { SimpleQueueModule } from '../../lib/module/simple-queue.module.js';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';
import { aHandler, QUICK } from '../support/application.js';
import { writeLedger, type Striker } from '../support/crash-points.js';
import { aGate, never } from '../support/gate.js';
import { scaled } from '../support/patience.mjs';

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const started = aGate();
const dataSource = () => app.get(DataSource);

async function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return never();
}

async function wasSuspected(id: string): Promise<boolean> {
  const [job] = await dataSource().query<{ suspicion: number }[]>(
    'select suspicion from simple_queue.job where id = $1',
    [id],
  );
  return job!.suspicion > 0;
}

/** Strikes the first run of each job at the point that its payload names. */
const killer: Striker = {
  pointOf: async (job) => ((await wasSuspected(job.id)) ? undefined : job.payload),
  strike: die,
  dataSource,
};

/** Each takes the queue of its name. */
const HANDLERS: Record<string, () => Type<unknown>> = {
  /** Its transaction waits for whoever has the lock, so that it can be frozen there; takes no effect that is not also a completion. */
  frozen: () =>
    aHandler(
      'frozen',
      async (job, { manager }) => {
        await manager.query('insert into frozen_effect values ($1, $2)', [job.id, process.pid]);
        await manager.query(`select pg_advisory_xact_lock_shared(hashtext('frozen'))`);
      },
      { transactional: true },
    ),
  never: () => aHandler('never', never),
  /** Blocks the event loop of its process until the file of its payload is there. */
  blocks: () =>
    aHandler('blocks', (job) => {
      const cell = new Int32Array(new SharedArrayBuffer(4));
      while (!existsSync(job.payload)) Atomics.wait(cell, 0, 0, 10);
    }),
  clock: () =>
    aHandler('clock', (job) => {
      if (job.payload === 'fails once' && job.attempt === 1) throw new Error('once');
      return { saw: Date.now() };
    }),
  /** Its effect and its completion are one transaction; its start is noted outside of that. */
  ledger: () =>
    aHandler(
      'ledger',
      async (job, { manager }) => {
        await started.passed;
        await dataSource().query('insert into start values ($1)', [job.id]);
        await manager.query('insert into ledger (job, pid) values ($1, $2)', [job.id, process.pid]);
      },
      { transactional: true },
    ),
  /** The same, and with its completion it adds two steps of 'ledger' to its workflow. */
  grow: () =>
    aHandler(
      'grow',
      async (job, { manager }) => {
        await manager.query('insert into ledger (job, pid) values ($1, $2)', [job.id, process.pid]);
        const then = [1, 2].map((n) => step('more', 'ledger', n));
        return JobResult.success(then.length, { then });
      },
      { transactional: true },
    ),
  /** Its first run is killed right before, or right after, its effect and its completion were committed. */
  dies: () =>
    aHandler('dies', async (job, context) => {
      await started.passed;
      const before = job.payload === 'before' && !(await wasSuspected(job.id));
      await dataSource().transaction(async (manager) => {
        await manager.query('insert into ledger (job, pid) values ($1, $2)', [job.id, process.pid]);
        await context.complete(process.pid, { manager });
        if (before) await die();
      });
      if (job.payload === 'after') await die();
    }),
  /** Killed in its first run at a point around its own transaction. */
  'crash.complete': () =>
    aHandler('crash.complete.*', async (job, context) => {
      await started.passed;
      await dataSource().transaction((manager) =>
        writeLedger(killer, { job, context, manager }, process.pid),
      );
    }),
  /** The same around the library's transaction. */
  'crash.transactional': () =>
    aHandler(
      'crash.transactional.*',
      async (job, context) => {
        await started.passed;
        await writeLedger(killer, { job, context, manager: context.manager });
        return process.pid;
      },
      { transactional: true },
    ),
  /** A batch with a job that kills its process. */
  'batch-poison': () =>
    aHandler('batch-poison', (jobs) => ((jobs as unknown as { payload: { kills?: boolean } }[]).some((job) => job.payload.kills) ? process.exit(13) : undefined), { batch: { size: 10, lingerMs: 20 } }), // prettier-ignore
  /** Its first run keeps a checkpoint and is killed. */
  checkpoints: () =>
    aHandler('checkpoints', async (job, context) => {
      await started.passed;
      if (job.checkpoint !== undefined) return { found: job.checkpoint };
      await context.checkpoint({ page: 1 });
      return die();
    }),
  /** Notes its start outside any transaction: what is left of a run that was killed. */
  steps: () =>
    aHandler(
      'steps',
      async (job) => {
        await started.passed;
        const { group, n } = job.payload as { group: number; n: number };
        await dataSource().query('insert into step (job, grp, n) values ($1, $2, $3)', [
          job.id,
          group,
          n,
        ]);
      },
      { concurrency: 20 },
    ),
  poison: () =>
    aHandler('poison', (job) =>
      (job.payload as { kills?: boolean }).kills ? process.exit(13) : 'harmless',
    ),
};

const chosen = (process.env.CHILD_HANDLERS ?? '').split(',').map((name) => HANDLERS[name]!());
const options = JSON.parse(process.env.CHILD_OPTIONS ?? '{}') as SimpleQueueOptions;
/** Most are killed: what they held is soon given back. Whoever lives on gets `QUICK`. */
const DOOMED = { leaseMs: scaled(1_500), queryTimeoutMs: scaled(1_000) };

const typeorm = TypeOrmModule.forRoot({
  type: 'postgres',
  url: process.env.DATABASE_URL,
  poolSize: 20,
});
class ChildModule {}
Module({
  imports: [typeorm, SimpleQueueModule.forRoot({ ...QUICK, ...DOOMED, ...options })],
  providers: chosen,
})(ChildModule);

const app = await NestFactory.createApplicationContext(ChildModule, { logger: ['error'] });
app.enableShutdownHooks();
const events = app.get(QueueEventBus, { strict: false });
for (const name of ['succeeded', 'leaseLost', 'leaseLapsed', 'warning', 'workerStopped'] as const) {
  events.on(name, (event) => say({ event: name, ...event }));
}
events.on('started', ({ id }) => say({ event: 'started', id }));
process.on('unhandledRejection', (error) =>
  say({ event: 'unhandledRejection', error: String(error) }),
);
started.open();
say({ event: 'ready', pid: process.pid });
