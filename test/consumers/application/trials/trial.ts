import type { INestApplicationContext, ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { QueueService, SimpleQueueModule } from 'nestjs-simple-queue';
import assert from 'node:assert/strict';

/** As a DataSource has it that leaves what it does not know alone. */
export const DATABASE = { type: 'postgres', url: process.env.DATABASE_URL } as const;

export const database = () => TypeOrmModule.forRoot(DATABASE);
export const queue = () => SimpleQueueModule.forRoot();

/** Starts an application, tries something in it, and stops it. */
export async function tryOut(
  metadata: ModuleMetadata,
  trial: (app: INestApplicationContext) => Promise<void>,
): Promise<void> {
  class Root {}
  const options = { logger: ['error' as const], abortOnError: false };
  const app = await NestFactory.createApplicationContext({ module: Root, ...metadata }, options);
  try {
    await trial(app);
  } finally {
    await app.close();
  }
}

/** The job succeeds with this output. */
export async function answers(
  app: INestApplicationContext,
  id: string,
  output: unknown,
): Promise<void> {
  const end = await app.get(QueueService).wait(id, { timeoutMs: 50_000 });
  assert.deepEqual({ state: end.state, output: end.output }, { state: 'succeeded', output });
}
