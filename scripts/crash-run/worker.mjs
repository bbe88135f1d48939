// A worker process of the crash run: killed without warning, and started again by run.mjs.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { JobResult, QueueHandler, SimpleQueueModule } from 'nestjs-simple-queue';

const { DATABASE, LEASE_MS, QUEUES = '{}' } = process.env;
const lease = LEASE_MS
  ? { leaseMs: Number(LEASE_MS), heartbeatIntervalMs: Number(LEASE_MS) / 5 }
  : {};

/** Its effect and its completion are one transaction: the ledger must hold each job once. */
class Ledger {
  async process(job, context) {
    // Outside the transaction: a start counts also where the run is killed.
    await context.manager.dataSource.query('insert into start (job) values ($1)', [job.id]);
    await context.manager.query('insert into effect (job) values ($1)', [job.id]);
  }
}
QueueHandler('ledger', { transactional: true })(Ledger);

/** A step of a saga, or its compensation: the effect commits with the completion. */
class Saga {
  async process({ payload, workflowId }, context) {
    if (payload.fails) return JobResult.unprocessable('the last step fails');
    await context.manager.query('insert into saga (flow, stage, n, undo) values ($1, $2, $3, $4)', [
      workflowId,
      payload.stage,
      payload.n,
      payload.undo,
    ]);
    return { n: payload.n };
  }
}
QueueHandler('saga', { transactional: true })(Saga);

/** Counts its starts outside any transaction: what is left of a run that was killed. */
class Plain {
  async process(job) {
    if (job.payload.poison) process.kill(process.pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
QueueHandler('plain')(Plain);

/** Completes in its own transaction and keeps that open for two seconds. */
class Holder {
  constructor(dataSource) {
    this.dataSource = dataSource;
  }

  async process(_job, context) {
    await this.dataSource.transaction(async (manager) => {
      await context.complete(undefined, { manager });
      await new Promise((resolve) => setTimeout(resolve, 2_000));
    });
  }
}
QueueHandler('holder')(Holder);

/** Notes its start outside any transaction, and takes a moment. */
class Step {
  constructor(dataSource) {
    this.dataSource = dataSource;
  }

  async process(job) {
    await this.dataSource.query('insert into step (job, grp, n) values ($1, $2, $3)', [
      job.id,
      job.payload.grp,
      job.payload.n,
    ]);
  }
}
QueueHandler('step', { concurrency: 20 })(Step);

/** Takes its time, and notes who began it. */
class Long {
  constructor(dataSource) {
    this.dataSource = dataSource;
  }

  async process({ id, payload }) {
    await this.dataSource.query('insert into long (job, pid) values ($1, $2)', [id, process.pid]);
    await new Promise((resolve) => setTimeout(resolve, payload.ms));
    await this.dataSource.query(
      'update long set ended_at = clock_timestamp() where job = $1 and pid = $2',
      [id, process.pid],
    );
  }
}
QueueHandler('long')(Long);

/** Its process can do nothing else meanwhile. */
class Blocks {
  process({ payload }) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, payload.ms);
  }
}
QueueHandler('blocks')(Blocks);

/** Notes when it began and ended, by the clock of the database. */
class Span {
  constructor(dataSource) {
    this.dataSource = dataSource;
  }

  async process({ id }) {
    const note = (sql) => this.dataSource.query(sql, [id, process.pid]);
    await note('insert into span values ($1, $2, clock_timestamp())');
    await note(
      'update span set ended = clock_timestamp() where job = $1 and pid = $2 and ended is null',
    );
  }
}
class LimitedSpan extends Span {}
class PacedSpan extends Span {}
QueueHandler('limited')(LimitedSpan);
QueueHandler('paced')(PacedSpan);

class Worker {}
const { DataSource } = await import('typeorm');
Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'postgres', url: DATABASE }),
    SimpleQueueModule.forRoot({ ...lease, queues: JSON.parse(QUEUES) }),
  ],
  providers: [
    Ledger,
    Saga,
    Plain,
    Blocks,
    { provide: Long, useFactory: (dataSource) => new Long(dataSource), inject: [DataSource] },
    { provide: Holder, useFactory: (dataSource) => new Holder(dataSource), inject: [DataSource] },
    {
      provide: LimitedSpan,
      useFactory: (dataSource) => new LimitedSpan(dataSource),
      inject: [DataSource],
    },
    {
      provide: PacedSpan,
      useFactory: (dataSource) => new PacedSpan(dataSource),
      inject: [DataSource],
    },
    { provide: Step, useFactory: (dataSource) => new Step(dataSource), inject: [DataSource] },
  ],
})(Worker);

const app = await NestFactory.createApplicationContext(Worker, { logger: ['fatal'] });
app.enableShutdownHooks();
