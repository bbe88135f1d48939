import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import { payloadOf } from './payload.js';
import { queueNames, spreadOf } from './queues.js';

const DAY_MS = 86_400_000;
/** More jobs a call are not faster here, and 100,000 in one call are slower. */
const CHUNK = 5_000;
const logger = new Logger(() => () => undefined);

/** graphile-worker: deletes finished jobs, always. `settings.options` are its preset's options. */
export async function open(settings) {
  const pgPool = new pg.Pool({
    connectionString: settings.url,
    max: settings.options?.maxPoolSize ?? 10,
  });
  pgPool.on('error', () => undefined);
  const utils = await makeWorkerUtils({ pgPool, logger });
  await utils.migrate();
  return new GraphileWorker({ settings, pgPool, utils });
}

class GraphileWorker {
  constructor({ settings, pgPool, utils }) {
    this.settings = settings;
    this.payload = payloadOf(settings);
    this.pgPool = pgPool;
    this.utils = utils;
  }

  numberOf(payload) {
    return payload.n;
  }

  enqueue(n) {
    return this.utils.addJob('bench', { n });
  }

  /** The documented way into another library's transaction is its SQL function. */
  enqueueIn(manager, n) {
    return manager.query('select graphile_worker.add_job($1, $2::json)', [
      'bench',
      JSON.stringify({ n }),
    ]);
  }

  bulk(numbers) {
    return this.addJobs(numbers, (n) => ({
      identifier: 'bench',
      payload: this.payload(n),
      ...this.placeOf(n),
    }));
  }

  placeOf(n) {
    const { groups, spread } = this.settings;
    if (groups) return { queueName: `group ${n % groups}` };
    if (!spread) return {};
    const { queue, priority } = spreadOf(n, this.settings);
    return { identifier: queue, priority };
  }

  later(numbers) {
    const runAt = new Date(Date.now() + DAY_MS);
    return this.addJobs(numbers, (n) => ({ identifier: 'bench', payload: { n }, runAt }));
  }

  elsewhere(numbers) {
    return this.addJobs(numbers, (n) => ({ identifier: 'elsewhere', payload: { n } }));
  }

  async addJobs(numbers, toJob) {
    for (let start = 0; start < numbers.length; start += CHUNK) {
      await this.utils.addJobs(numbers.slice(start, start + CHUNK).map(toJob));
    }
  }

  async start(handle) {
    const names = queueNames(this.settings);
    const taskList = Object.fromEntries(names.map((name) => [name, handle]));
    const preset = { worker: { logger, ...this.settings.options } };
    this.runner = await run({ pgPool: this.pgPool, preset, taskList, noHandleSignals: true });
    this.runner.promise.catch(() => undefined);
  }

  stop() {
    const { runner } = this;
    this.runner = undefined;
    return runner?.stop();
  }

  async close() {
    await this.stop();
    await this.utils.release();
    await this.pgPool.end();
  }
}
