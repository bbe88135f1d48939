import 'reflect-metadata';
import { ConsoleLogger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { startPostgres } from '../local-postgres/local-postgres.js';
import { registerMetrics } from './instrumentation.js';
import { MetricsModule } from './metrics.module.js';

const database = process.env.DATABASE_URL ? undefined : await startPostgres();
const module = MetricsModule.forRoot(process.env.DATABASE_URL ?? database!.url, registerMetrics());
const app = await NestFactory.create(module, {
  logger: new ConsoleLogger({ json: true, logLevels: ['warn', 'error'] }),
});
process.once('SIGINT', () => void app.close().then(() => database?.stop()));
process.once('SIGTERM', () => void app.close().then(() => database?.stop()));
await app.listen(Number(process.env.PORT ?? 9464), '127.0.0.1');
console.log(`Metrics for Prometheus: ${await app.getUrl()}/metrics (Ctrl+C ends)`);
