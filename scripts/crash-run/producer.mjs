// A producer of the crash run: enqueues at a pace until it is killed, and says what was acknowledged.
import 'reflect-metadata';
import { writeSync } from 'node:fs';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { QueueService, SimpleQueueModule } from 'nestjs-simple-queue';

const { DATABASE, FOLDER, LIFE, PER_SECOND } = process.env;
const TICK_MS = 20;

class Producer {}
Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'postgres', url: DATABASE, retryAttempts: 0 }),
    SimpleQueueModule.forRoot({
      ...{ worker: false, wakeUp: 'off', leaseMs: 1_500, heartbeatIntervalMs: 300 },
      queryTimeoutMs: 2_000,
      spool: { folder: FOLDER },
    }),
  ],
})(Producer);

const app = await NestFactory.createApplicationContext(Producer, { logger: false });
const queues = app.get(QueueService);
await queues.enqueue('ledger', { warm: LIFE });
// Synchronous: what was acknowledged before the kill is known.
const say = (line) => writeSync(1, `${line}\n`);
say('ready');

let n = 0;
let due = performance.now();
setInterval(() => {
  for (; due < performance.now(); due += 1_000 / Number(PER_SECOND)) enqueue(`${LIFE}.${n++}`);
}, TICK_MS);

/** A third of the jobs has an ordered group, a third a unique key. */
const optionsOf = (key) =>
  [{}, { group: `g${LIFE}`, ordered: true }, { uniqueKey: key }][Number(key.split('.').at(-1)) % 3];

async function enqueue(key) {
  try {
    const payload = { key, filler: 'x'.repeat(200) };
    const { id, outcome } = await queues.enqueue('ledger', payload, optionsOf(key));
    say(`${outcome} ${id} ${key}`);
  } catch (error) {
    say(`failed ${error.code} ${/ENOSPC|maxBytes|UNKNOWN/.exec(error.message)?.[0] ?? 'away'}`);
  }
}
