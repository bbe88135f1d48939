import { createMigrations } from 'nestjs-simple-queue/migrations';
import { DataSource } from 'typeorm';

export const SCHEMA = 'migrated';

/** As TypeORM's command line reads it. */
export const dataSource = new DataSource({
  type: 'postgres',
  url: process.env.DATABASE_URL,
  migrations: [...createMigrations({ schema: SCHEMA })],
});
