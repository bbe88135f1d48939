import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { QueueWorkflows, workflow } from '../dist/lib/workflows.js';
import { byQueue, queueNames, spreadOf } from './queues.js';
import { payloadOf } from './payload.js';
import {
  constant,
  QueueHandler,
  QueueService,
  QueueWorker,
  SimpleQueueModule,
} from '../dist/lib/index.js';

const DAY_MS = 86_400_000;

/** This library, in a Nest application as its users write it. `settings.options` are options of `forRoot`. */
export async function open(settings) {
  if (settings.timeClaims) timeClaims();
  const dataSource = await new DataSource({ type: 'postgres', url: settings.url }).initialize();
  const relay = { handle: undefined };
  const telemetry =
    settings.telemetry && (await import('./telemetry.js')).telemetryOf(settings.telemetry);
  const names = queueNames(settings);
  const module = {
    module: class Bench {},
    imports: [
      SimpleQueueModule.forRoot({
        dataSource,
        worker: { autoStart: false },
        ...optionsOf(settings, names),
        ...backoffOf(settings),
        telemetry,
      }),
    ],
    providers: names.map((name) => handlerOf(name, relay, settings.uses)),
  };
  const app = await NestFactory.createApplicationContext(module, {
    logger: ['error', 'warn'],
    abortOnError: false,
  });
  return new SimpleQueue({ app, dataSource, relay, settings });
}

class SimpleQueue {
  constructor({ app, dataSource, relay, settings }) {
    this.app = app;
    this.settings = settings;
    this.payload = payloadOf(settings);
    this.dataSource = dataSource;
    this.relay = relay;
    this.queues = app.get(QueueService);
    this.worker = app.get(QueueWorker);
  }

  numberOf(job) {
    return job.payload.n;
  }

  enqueue(n) {
    return this.queues.enqueue('bench', { n });
  }

  enqueueIn(manager, n) {
    return this.queues.enqueue('bench', { n }, { manager });
  }

  bulk(numbers) {
    return this.settings.spread
      ? this.spread(numbers)
      : this.queues.enqueueMany(
          'bench',
          numbers.map((n) => ({ payload: this.payload(n), ...this.groupOf(n) })),
        );
  }

  async spread(numbers) {
    for (const [queue, own] of byQueue(numbers, this.settings))
      await this.queues.enqueueMany(
        queue,
        own.map((n) => ({
          payload: this.payload(n),
          priority: spreadOf(n, this.settings).priority,
        })),
      );
  }

  groupOf(n) {
    const { groups } = this.settings;
    return groups ? { group: `group ${n % groups}`, ordered: true } : {};
  }

  later(numbers) {
    return this.queues.enqueueMany(
      'bench',
      numbers.map((n) => ({ payload: { n }, delayMs: DAY_MS })),
    );
  }

  elsewhere(numbers) {
    return this.queues.enqueueMany(
      'elsewhere',
      numbers.map((n) => ({ payload: { n } })),
    );
  }

  flow(kind, count) {
    const flow = workflow(kind);
    if (kind === 'chain')
      for (let n = 0; n < count; n++)
        flow.step(`s${n}`, 'bench', { n }, n > 0 ? { after: `s${n - 1}` } : {});
    else
      flow
        .each(
          'part',
          'bench',
          Array.from({ length: count - 1 }, (_, n) => ({ n })),
        )
        .step('last', 'bench', { n: count - 1 }, { after: 'part' });
    return this.app.get(QueueWorkflows, { strict: false }).start(flow);
  }

  start(handle) {
    this.relay.handle = handle;
    return this.worker.start();
  }

  stop() {
    return this.worker.stop();
  }

  /** How long each claim took since the last call, as its client saw it. */
  claimTimes() {
    return claimTimes.splice(0);
  }

  async close() {
    await this.app.close();
    await this.dataSource.destroy();
  }
}

/** Kept is the library's default; `keep: false` turns the archive off. */
function optionsOf({ keep = true, options = {} }, names) {
  const settingsOf = (name) => ({ ...(keep ? {} : { archive: false }), ...options.queues?.[name] });
  return { ...options, queues: Object.fromEntries(names.map((name) => [name, settingsOf(name)])) };
}

const backoffOf = ({ backoffMs }) =>
  backoffMs === undefined ? {} : { backoff: constant({ delayMs: backoffMs }) };

function handlerOf(queue, relay, uses) {
  class Handler {
    process(job) {
      return relay.handle(job);
    }
  }
  QueueHandler(queue, { uses })(Handler);
  return Handler;
}

const claimTimes = [];
const CLAIMS = new Set(['sq_claim', 'sq_settle_and_claim', 'sq_settle_keep_and_claim']);

/** Watches the claims from outside: the driver's own method, nothing of the library. */
function timeClaims() {
  const query = pg.Client.prototype.query;
  pg.Client.prototype.query = function timed(config, values, callback) {
    if (!CLAIMS.has(config?.name)) return query.call(this, config, values, callback);
    const start = performance.now();
    return query.call(this, config, values, (...answer) => {
      claimTimes.push(performance.now() - start);
      callback(...answer);
    });
  };
}
