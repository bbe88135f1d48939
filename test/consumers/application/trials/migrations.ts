import { TypeOrmModule } from '@nestjs/typeorm';
import { createEntities, QueueHandler, QueueService, SimpleQueueModule } from 'nestjs-simple-queue';
import assert from 'node:assert/strict';
import { DataSource } from 'typeorm';
import { dataSource, SCHEMA } from '../data-source.js';
import { answers, DATABASE, tryOut } from './trial.js';

@QueueHandler('letters')
class WriteLetter {
  process(): string {
    return 'written';
  }
}

/** The application's own migrations make the tables, and its repositories read the jobs. */
export const runsOnItsMigrations = async () => {
  await dataSource.initialize();
  await dataSource.runMigrations();
  await dataSource.destroy();
  const { Jobs } = createEntities({ schema: SCHEMA });
  const database = TypeOrmModule.forRoot({ ...DATABASE, entities: [Jobs] });
  const queue = SimpleQueueModule.forRoot({ schema: SCHEMA, migrate: 'check' });
  await tryOut({ imports: [database, queue], providers: [WriteLetter] }, async (app) => {
    const { id } = await app.get(QueueService).enqueue('letters', {});
    await answers(app, id, 'written');
    const job = await app.get(DataSource).getRepository(Jobs).findOneByOrFail({ id });
    assert.equal(job.state, 'succeeded');
  });
};
