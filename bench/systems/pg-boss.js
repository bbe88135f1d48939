import { PgBoss } from 'pg-boss';
import { payloadOf } from './payload.js';
import { byQueue, queueNames, spreadOf } from './queues.js';

const DAY_SECONDS = 86_400;
const CHUNK = 5_000;

/** pg-boss: keeps finished jobs, always. `settings.options`: `boss` for the constructor, `queue` for createQueue, `work` for work(). */
export async function open(settings) {
  const boss = new PgBoss({ connectionString: settings.url, ...settings.options?.boss });
  boss.on('error', (error) => process.stderr.write(`pg-boss: ${error.message}\n`));
  boss.on('warning', () => undefined);
  await boss.start();
  const names = [...queueNames(settings), 'elsewhere'];
  const policy = settings.groups ? { policy: 'key_strict_fifo' } : {};
  for (const name of names) await boss.createQueue(name, policy);
  if (settings.groups && (await boss.getQueue('bench'))?.policy !== policy.policy)
    throw new Error('pg-boss leaves a queue that is there as it is: this one keeps no order.');
  if (settings.options?.queue)
    for (const name of names) await boss.updateQueue(name, settings.options.queue);
  return new Boss({ settings, boss, names });
}

class Boss {
  constructor({ settings, boss, names }) {
    this.settings = settings;
    this.payload = payloadOf(settings);
    this.boss = boss;
    this.working = names.filter((name) => name !== 'elsewhere');
  }

  numberOf(job) {
    return job.data.n;
  }

  enqueue(n) {
    return this.boss.send('bench', { n });
  }

  enqueueIn(manager, n) {
    const db = {
      executeSql: async (text, values) => ({ rows: await manager.query(text, values) }),
    };
    return this.boss.send('bench', { n }, { db });
  }

  bulk(numbers) {
    const { groups, spread } = this.settings;
    if (spread) return this.spread(numbers);
    const keyOf = (n) => (groups ? { singletonKey: `group ${n % groups}` } : {});
    return this.insert('bench', numbers, (n) => ({ data: this.payload(n), ...keyOf(n) }), groups);
  }

  async spread(numbers) {
    for (const [queue, own] of byQueue(numbers, this.settings))
      await this.insert(queue, own, (n) => ({
        data: this.payload(n),
        priority: spreadOf(n, this.settings).priority,
      }));
  }

  later(numbers) {
    return this.insert('bench', numbers, (n) => ({ data: { n }, startAfter: DAY_SECONDS }));
  }

  elsewhere(numbers) {
    return this.insert('elsewhere', numbers, (n) => ({ data: { n } }));
  }

  /** Jobs of one call have no order among each other there: with `groups`, a call has one of each. */
  async insert(name, numbers, toJob, chunk = CHUNK) {
    for (let start = 0; start < numbers.length; start += chunk) {
      await this.boss.insert(name, numbers.slice(start, start + chunk).map(toJob));
    }
  }

  flow(kind, count) {
    const before = (n) => {
      if (kind === 'chain') return n > 0 ? [`${n - 1}`] : [];
      return n === count - 1 ? Array.from({ length: count - 1 }, (_, each) => `${each}`) : [];
    };
    return this.boss.flow(
      Array.from({ length: count }, (_, n) => ({
        ref: `${n}`,
        name: 'bench',
        data: { n },
        dependsOn: before(n),
      })),
    );
  }

  async start(handle) {
    const options = this.settings.options?.work ?? {};
    const handleAll = (jobs) =>
      jobs.length === 1 ? handle(jobs[0]) : Promise.all(jobs.map(handle)).then(() => undefined);
    for (const name of this.working) await this.boss.work(name, options, handleAll);
  }

  async stop() {
    for (const name of this.working) await this.boss.offWork(name, { wait: true });
  }

  close() {
    return this.boss.stop({ graceful: true, timeout: 5_000 });
  }
}
