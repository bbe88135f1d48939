import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Global, Module, type DynamicModule, type Provider } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { HandleJob, QueueHandler, QueueService, QueueWorker } from 'nestjs-simple-queue';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { eventually } from '../support/eventually.js';
import {
  behindPgBouncer,
  fromConfig,
  inMailWorker,
  inWeb,
  MailServer,
  withSettings,
} from './processes.js';

const CONFIG = Symbol('config');
let database: TestDatabase;

@QueueHandler('mail.letters')
class SendLetter {
  static started = false;
  static ran: boolean[] = [];

  constructor(private readonly mail: MailServer) {}

  @HandleJob('last')
  async last(): Promise<void> {
    SendLetter.started = true;
    await eventually(() => closing);
    SendLetter.ran.push(this.mail.isOpen);
  }
}

let closing = false;

@Global()
@Module({ providers: [{ provide: CONFIG, useValue: { workers: false } }], exports: [CONFIG] })
class ConfigModule {}

beforeAll(async () => {
  database = await aDatabase();
  // Makes the tables, for the one that only checks them.
  await (await started(inWeb())).close();
});

afterAll(() => database.drop());

async function started(queue: DynamicModule, providers: Provider[] = []): Promise<TestingModule> {
  const typeorm = TypeOrmModule.forRoot({ type: 'postgres', url: database.url, retryAttempts: 0 });
  const app = await Test.createTestingModule({
    imports: [ConfigModule, typeorm, queue],
    providers,
  }).compile();
  app.useLogger(false);
  return app.init();
}

it.each([
  ['web', inWeb, false],
  ['mail worker', inMailWorker, true],
  ['with settings', withSettings, true],
  ['from a configuration', () => fromConfig(CONFIG), false],
  ['behind PgBouncer in transaction mode', () => behindPgBouncer(database.url), true],
])('starts a process: %s', async (_, queue, works) => {
  const app = await started(queue());
  expect(app.get(QueueWorker).isRunning).toBe(works);
  await app.close();
});

it('closes what handlers use after the last of them', async () => {
  const app = await started(inMailWorker(), [SendLetter, MailServer]);
  await app.get(QueueService).enqueue('mail.letters', {}, { name: 'last' });
  await eventually(() => expect(SendLetter.started).toBe(true));
  const closed = app.close();
  closing = true;
  await closed;
  expect(SendLetter.ran).toEqual([true]);
  expect(app.get(MailServer).isOpen).toBe(false);
});
