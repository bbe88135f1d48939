import { FlowProducer, Queue, Worker } from 'bullmq';
import { payloadOf } from './payload.js';
import { queueNames } from './queues.js';

const DAY_MS = 86_400_000;
const CHUNK = 1_000;

/** BullMQ on Redis. Kept is its default; `keep: false` removes finished jobs. `settings.options` are its Worker's options. */
export const open = (settings) =>
  openOn(
    { connection: { host: '127.0.0.1', port: settings.redisPort }, Queue, Worker, FlowProducer },
    settings,
  );

/** `backend`: its classes, and where they connect. */
export async function openOn(backend, settings) {
  const { connection, Queue } = backend;
  const defaultJobOptions = { removeOnComplete: !(settings.keep ?? true), ...settings.jobOptions };
  const queues = {
    bench: new Queue('bench', { connection, defaultJobOptions }),
    elsewhere: new Queue('elsewhere', { connection }),
  };
  for (const queue of Object.values(queues)) await queue.waitUntilReady();
  return new BullMq({ settings, backend, queues });
}

class BullMq {
  constructor({ settings, backend, queues }) {
    this.settings = settings;
    this.payload = payloadOf(settings);
    this.backend = backend;
    this.queues = queues;
    this.workers = [];
  }

  numberOf(job) {
    return job.data.n;
  }

  enqueue(n) {
    return this.queues.bench.add('job', { n });
  }

  bulk(numbers) {
    return this.addBulk(this.queues.bench, numbers);
  }

  later(numbers) {
    return this.addBulk(this.queues.bench, numbers, { delay: DAY_MS });
  }

  elsewhere(numbers) {
    return this.addBulk(this.queues.elsewhere, numbers);
  }

  async addBulk(queue, numbers, opts) {
    for (let start = 0; start < numbers.length; start += CHUNK) {
      await queue.addBulk(
        numbers
          .slice(start, start + CHUNK)
          .map((n) => ({ name: 'job', data: this.payload(n), opts })),
      );
    }
  }

  async flow(kind, count) {
    const opts = { removeOnComplete: !(this.settings.keep ?? true) };
    const job = (n, children) => ({
      name: 'job',
      queueName: 'bench',
      data: { n },
      opts,
      ...children,
    });
    const producer = new this.backend.FlowProducer({ connection: this.backend.connection });
    if (kind === 'chain') {
      let last = job(0);
      for (let n = 1; n < count; n++) last = job(n, { children: [last] });
      await producer.add(last);
    } else
      await producer.add(
        job(count - 1, { children: Array.from({ length: count - 1 }, (_, n) => job(n)) }),
      );
    await producer.close();
  }

  async start(handle) {
    const { connection, Worker } = this.backend;
    const options = { connection, ...this.settings.options };
    this.workers = queueNames(this.settings).map((name) => new Worker(name, handle, options));
    for (const worker of this.workers)
      worker.on('error', (error) => process.stderr.write(`bullmq: ${error.message}\n`));
    await Promise.all(this.workers.map((worker) => worker.waitUntilReady()));
  }

  async stop() {
    await Promise.all(this.workers.map((worker) => worker.close()));
    this.workers = [];
  }

  async close() {
    await this.stop();
    await Promise.all(Object.values(this.queues).map((queue) => queue.close()));
  }
}
