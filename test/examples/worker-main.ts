import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

/** The main.ts of a process that only works: no HTTP server. The worker keeps the process alive. */
export async function start(): Promise<INestApplicationContext> {
  const app = await NestFactory.createApplicationContext(AppModule);
  app.enableShutdownHooks(); // SIGTERM lets running jobs finish.
  return app;
}
