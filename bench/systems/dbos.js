import { DBOS, DBOSClient } from '@dbos-inc/dbos-sdk';
import { payloadOf } from './payload.js';

/** It has no enqueue of many: each job is a call. More of them at once are not faster. */
const AT_ONCE = 20;
/** Jobs that are enqueued before a worker is there ask for this version. */
const VERSION = 'bench';
const quiet = {
  info() {},
  debug() {},
  warn() {},
  error: (text) => process.stderr.write(`DBOS: ${text}\n`),
};

/** DBOS: a job is a durable workflow without steps, kept when it ends. `settings.options.queue` is for registerQueue. */
export async function open(settings) {
  const client = await DBOSClient.create({
    systemDatabaseUrl: settings.url,
    systemDatabasePoolSize: Math.max(10, settings.connections ?? 0),
    logger: quiet,
  });
  const system = new Dbos({ settings, client });
  DBOS.registerWorkflow((data) => system.handle(data), { name: 'bench' });
  DBOS.registerWorkflow((count) => system.chain(count), { name: 'chain' });
  DBOS.registerWorkflow((count) => system.fan(count), { name: 'fan' });
  // The tables and the queue.
  await system.start();
  await system.stop();
  return system;
}

class Dbos {
  constructor({ settings, client }) {
    this.settings = settings;
    this.client = client;
    this.payload = payloadOf(settings);
  }

  numberOf(data) {
    return data.n;
  }

  enqueue(n) {
    return this.client.enqueue(order('bench'), { n });
  }

  async enqueueIn(manager, n) {
    const connection = await manager.queryRunner.connect();
    return this.client.enqueueInTransaction(connection, order('bench'), { n });
  }

  async bulk(numbers) {
    const left = numbers.values();
    const one = async () => {
      for (const n of left) await this.client.enqueue(order('bench'), this.payload(n));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
  }

  flow(kind, count) {
    return this.client.enqueue(order(kind), count);
  }

  /** Steps of one workflow, which one process runs. */
  async chain(count) {
    for (let n = 0; n < count; n++) await DBOS.runStep(async () => this.handle({ n }));
  }

  /** A workflow whose children are jobs of the queue. */
  async fan(count) {
    const last = count - 1;
    const children = [];
    for (let n = 0; n < last; n++)
      children.push(await DBOS.enqueueWorkflowWithOptions(order('bench'), { n }));
    for (const child of children) await child.getResult();
    await DBOS.runStep(async () => this.handle({ n: last }));
  }

  async start(handle = () => undefined) {
    this.handle = async (data) => void (await handle(data));
    DBOS.setConfig({
      name: 'bench',
      applicationVersion: VERSION,
      systemDatabaseUrl: this.settings.url,
      systemDatabasePoolSize: 20,
      logger: quiet,
    });
    await DBOS.launch();
    await DBOS.registerQueue('bench', this.settings.options?.queue);
  }

  stop() {
    return DBOS.shutdown({ workflowCompletionTimeoutMS: 5_000 });
  }

  close() {
    return this.client.destroy();
  }
}

const order = (workflowName) => ({ queueName: 'bench', workflowName, appVersion: VERSION });
