import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

export async function start(): Promise<INestApplication> {
  // #region start
  const app = await NestFactory.create(AppModule);
  app.enableShutdownHooks(); // SIGTERM lets running jobs end.
  await app.listen(process.env.PORT ?? 3000);
  // #endregion
  return app;
}
