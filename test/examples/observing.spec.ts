import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Logger, type DynamicModule } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { firstValueFrom } from 'rxjs';
import { QueueHandler, QueueService, QueueWorker } from 'nestjs-simple-queue';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { LiveController, withLogs, withMetricsAlone, withTelemetry } from './observing.js';

let database: TestDatabase;
const lines: object[] = [];
const keep = (line: object) => void lines.push(line);

@QueueHandler('cards', { maxAttempts: 1 })
class Charge {
  process(): void {
    throw new Error('4111111111111111 was refused');
  }
}

beforeAll(async () => {
  database = await aDatabase();
  Logger.overrideLogger({ log: keep, warn: keep, error: keep, debug: keep });
});

afterAll(() => database.drop());

it.each<[string, () => DynamicModule]>([
  ['telemetry', withTelemetry],
  ['metrics alone', withMetricsAlone],
  ['logs', withLogs],
])('an application with %s works, and streams what fails', async (_, module) => {
  const typeorm = TypeOrmModule.forRoot({ type: 'postgres', url: database.url });
  const app = await Test.createTestingModule({
    imports: [typeorm, module()],
    controllers: [LiveController],
    providers: [Charge],
  })
    .setLogger({ log: keep, warn: keep, error: keep, debug: keep })
    .compile();
  const live = firstValueFrom(app.get(LiveController).live());
  await app.init();
  await app.get(QueueService).enqueue('cards', {});
  expect(await live).toEqual({ data: 'cards failed' });
  await app.get(QueueWorker).stop();
  await app.close();
});

it('a structured line has fields, and no number of a card', () => {
  const structured = lines.filter((line) => typeof line === 'object');
  expect(structured).toContainEqual(
    expect.objectContaining({
      event: 'failed',
      queue: 'cards',
      code: 'Error',
      msg: expect.stringContaining('Error: [redacted] was refused'),
    }),
  );
});
