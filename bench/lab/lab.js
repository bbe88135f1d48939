import { onRedis, VARIANTS } from '../systems/variants.js';
import { build, nodeBinary } from './build.js';
import { startPostgres } from './postgres-server.js';
import { PostgresTarget } from './postgres-target.js';
import { Quiet } from './quiet.js';
import { redisVersion, RedisTarget, startRedis } from './redis-server.js';
import { Sample } from './sample.js';
import { WorkerProcess } from './worker-process.js';

/** Tables that the bench itself needs beside a system's own. */
const OWN_TABLES = `create table orders (id bigint generated always as identity primary key, body jsonb not null);
  create table outbox (id uuid primary key, payload jsonb not null)`;
/** The limit works on this library's tables. */
const TABLES_OF = { floor: 'nestjs-simple-queue' };

/** The servers of a run, and what each sample needs of them. */
export class Lab {
  static async open({ redis = true, quietLimits } = {}) {
    build();
    const lab = new Lab(await startPostgres(), new Quiet(quietLimits));
    lab.redisVersion = redis ? redisVersion() : undefined;
    return lab;
  }

  redisServers = {};
  templates = new Map();

  constructor(postgres, quiet) {
    this.postgres = postgres;
    this.quiet = quiet;
  }

  /** Why a variant can't be measured here, if it can't. */
  missing(variant) {
    if (onRedis(variant) && !this.redisVersion) return 'redis-server is not installed';
    if (!nodeBinary(variant.node)) return `Node ${variant.node} is not installed`;
    return undefined;
  }

  /** Runs one sample of a variant in a database of its own; its processes and its database are gone afterwards. */
  async sample(variant, { settings = {}, counting = false }, run) {
    const target = await this.createTarget(variant, counting);
    const sample = new Sample({
      lab: this,
      variant,
      target,
      settings: { ...variant.settings, ...settings },
    });
    try {
      return await run(sample);
    } finally {
      await sample.end();
      await target.drop();
    }
  }

  spawn(variant, settings, execArgv) {
    return WorkerProcess.start({
      execPath: nodeBinary(variant.node),
      system: variant.system,
      settings,
      execArgv,
    });
  }

  async close() {
    for (const server of Object.values(this.redisServers)) await server.stop();
    await this.postgres.stop();
  }

  async createTarget(variant, counting) {
    if (onRedis(variant)) return RedisTarget.create(await this.redis(variant.settings.redis));
    const template = await this.template(TABLES_OF[variant.system] ?? variant.system);
    return PostgresTarget.create(this.postgres, variant.system, { template, counting });
  }

  async redis(durability) {
    return (this.redisServers[durability] ??= await startRedis(durability));
  }

  /** A system's tables are made once, by itself; samples copy them. */
  async template(system) {
    const known = this.templates.get(system);
    if (known) return known;
    const name = await this.postgres.createDatabase({ name: `tables_${this.templates.size + 1}` });
    await this.install(system, name);
    this.templates.set(system, name);
    return name;
  }

  async install(system, name) {
    const variant = Object.values(VARIANTS).find((entry) => entry.system === system);
    const worker = await this.spawn(variant, { url: this.postgres.urlOf(name) });
    await worker.call('fill', { count: 1 });
    await worker.stop();
    await this.postgres.prepare(name, OWN_TABLES, CLEAN[system]);
  }
}

/** The first job registers what a system registers on first use; it must not be in the copies. */
const CLEAN = {
  'nestjs-simple-queue': 'truncate simple_queue.job, simple_queue.ready, simple_queue.lease',
  'graphile-worker': 'truncate graphile_worker._private_jobs cascade',
  'bullmq-postgres': 'truncate bullmq.job cascade',
  // A queue keeps the policy with which it was first created, in silence: a sample with another one must find none.
  'pg-boss': 'truncate pgboss.job; delete from pgboss.queue',
  dbos: 'truncate dbos.workflow_status cascade',
};
