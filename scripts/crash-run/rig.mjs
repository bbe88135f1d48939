// What all parts of the crash run share: a server, a producer, and worker processes that come back when they die.
import 'reflect-metadata';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { QueueService, SimpleQueueModule } from 'nestjs-simple-queue';
import { startPostgres } from '../../dist/sample/local-postgres/local-postgres.js';

const WORKER = fileURLToPath(new URL('worker.mjs', import.meta.url));

export const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A durable server: what was acknowledged must survive. */
export async function startRig({ leaseMs, env = {} }) {
  const server = await startPostgres({ durable: true });
  class Producer {}
  Module({
    imports: [
      TypeOrmModule.forRoot({ type: 'postgres', url: server.url }),
      SimpleQueueModule.forRoot({ worker: false }),
    ],
  })(Producer);
  const app = await NestFactory.createApplicationContext(Producer, { logger: ['error'] });
  const dataSource = app.get(DataSource);
  await dataSource.query(
    'create table effect (job uuid not null); create table start (job uuid not null)' +
      '; create table long (job uuid not null, pid int not null, ended_at timestamptz)',
  );
  const fleet = new Fleet({
    DATABASE: server.url,
    LEASE_MS: leaseMs ? String(leaseMs) : '',
    ...env,
  });
  const stop = async () => {
    await fleet.stop();
    await app.close();
    await server.stop();
  };
  const query = (sql, params) => dataSource.query(sql, params);
  return { app, server, dataSource, queues: app.get(QueueService), query, fleet, stop };
}

/** Worker processes; one that dies is replaced at once. */
class Fleet {
  deaths = 0;
  /** Told of each process that has died. */
  onDeath = () => undefined;
  /** The work is done: nobody has to die any more. */
  enough = false;
  #workers = new Set();
  #stopping = false;
  #started = 0;
  /** What a worker has of its own: by how many were started before it. */
  envOf = () => ({});

  constructor(env) {
    this.env = env;
  }

  grow(count) {
    for (let index = 0; index < count; index++) this.#start();
  }

  get pids() {
    return [...this.#workers].map(({ pid }) => pid);
  }

  kill(random) {
    const workers = [...this.#workers];
    workers[Math.floor(random() * workers.length)]?.kill('SIGKILL');
  }

  async stop() {
    this.#stopping = true;
    const workers = [...this.#workers];
    for (const worker of workers) worker.kill('SIGTERM');
    await Promise.all(
      workers.map(
        (worker) => (worker.exitCode ?? worker.signalCode) === null && once(worker, 'exit'),
      ),
    );
  }

  #start() {
    const worker = spawn(process.execPath, [WORKER], {
      env: { ...process.env, ...this.env, ...this.envOf(this.#started++) },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    this.#workers.add(worker);
    worker.on('exit', () => {
      this.#workers.delete(worker);
      if (this.#stopping) return;
      this.deaths++;
      void this.onDeath(worker.pid);
      this.#start();
    });
  }
}

/** Looks once a second, tells how it goes, and ends when `done` says so or the time is over. */
export async function watch(name, { done, tell, everyMs = 1_000, maxMs }) {
  const startedAt = Date.now();
  for (let round = 0; Date.now() - startedAt < maxMs; round++) {
    const seen = await tell();
    if (round % 5 === 0)
      console.log(
        `${name} ${((Date.now() - startedAt) / 1_000).toFixed(0)} s: ${JSON.stringify(seen)}`,
      );
    if (done(seen)) return (Date.now() - startedAt) / 1_000;
    await rest(everyMs);
  }
  throw new Error(`${name}: not done after ${maxMs / 1_000} s`);
}

/** Small, seeded, and the same everywhere (mulberry32), so that a run can be repeated. */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export async function enqueueAll(queues, queue, payloads) {
  for (let index = 0; index < payloads.length; index += 10_000) {
    await queues.enqueueMany(
      queue,
      payloads.slice(index, index + 10_000).map((payload) => ({ payload })),
    );
  }
}
