import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { QueueError } from '../../job/queue.errors.js';

/** Whatever TypeORM makes for a DataSource: version 1 calls it `dataSource`, 0.3 `connection`. */
type Owned = Partial<Record<'dataSource' | 'connection', DataSource>>;

/** What a manager or a query runner works on; undefined for anything else. */
export function dataSourceOf(given: EntityManager | QueryRunner): DataSource | undefined {
  const owned = ('isTransactionActive' in given ? given.manager : given) as Owned | undefined;
  return owned?.dataSource ?? owned?.connection;
}

/** @throws QueueError `DATA_SOURCE_UNSUPPORTED`, `DATA_SOURCE_NOT_READY`. */
export function checkDataSource(dataSource: DataSource): void {
  const { type } = (dataSource.options as { type?: string } | undefined) ?? {};
  if (type !== 'postgres')
    throw unsupported(
      `The DataSource is of type "${type}"; nestjs-simple-queue works on "postgres". Give one of that type, its token or its name as \`dataSource\`.`,
    );
  // A Connection of TypeORM 0.2 has none.
  if ((dataSource.isInitialized as boolean | undefined) === undefined) throw oldTypeOrm();
  if (!dataSource.isInitialized)
    throw new QueueError(
      'DATA_SOURCE_NOT_READY',
      'The DataSource is not initialized. Await dataSource.initialize() before the module starts.',
    );
}

export function oldTypeOrm(): QueueError {
  return unsupported(
    `The DataSource is of a TypeORM older than 0.3 (installed: ${installedVersion()}); nestjs-simple-queue works with 0.3.20 and later, and with 1. Upgrade it: npm install typeorm@1`,
  );
}

const unsupported = (message: string): QueueError =>
  new QueueError('DATA_SOURCE_UNSUPPORTED', message);

function installedVersion(): string {
  try {
    // Its `exports` do not name its package.json.
    const folder = dirname(createRequire(join(process.cwd(), 'any.js')).resolve('typeorm'));
    return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string })
      .version;
  } catch {
    return 'unknown';
  }
}
