import pg from 'pg';
import { DataSource } from 'typeorm';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { QueueEventBus } from '../../lib/observability/events.js';
import { Storage } from '../../lib/storage/storage.js';
import {
  administer,
  makeDatabase,
  templateOf,
  withDatabase,
  type TestDatabase,
} from './database.js';
import { eventually } from './eventually.js';

const NOT_THERE = '3D000';

/**
 * A new database of its own on the run's server, with the schema as a first start leaves it: a copy, which takes a tenth of the time that
 * a start takes. Where the making of the schema is the subject, use `anEmptyDatabase`.
 */
export async function aDatabase(): Promise<TestDatabase> {
  const { SQ_TEST_URL: url, SQ_TEST_TEMPLATE: run } = process.env;
  if (!url || !run)
    throw new Error('No test server: SQ_TEST_URL is set by test/support/global-setup.ts.');
  const template = templateOf(run);
  try {
    return await makeDatabase(url, template);
  } catch (error) {
    if ((error as pg.DatabaseError).code !== NOT_THERE) throw error;
    await makeTemplate(url, template);
    return makeDatabase(url, template);
  }
}

/** Whoever comes first makes it, and others wait. Nobody can use a template that somebody is connected to: it gets its name at the end. */
async function makeTemplate(url: string, template: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock(hashtext($1))', [template]);
    const { rowCount } = await client.query('select from pg_database where datname = $1', [
      template,
    ]);
    if (rowCount) return;
    await administer(
      url,
      `drop database if exists ${template}_new`,
      `create database ${template}_new`,
    );
    await migrate(withDatabase(url, `${template}_new`));
    // Its last backends may still be ending.
    await eventually(() => client.query(`alter database ${template}_new rename to ${template}`));
  } finally {
    await client.end();
  }
}

async function migrate(url: string): Promise<void> {
  const dataSource = await new DataSource({ type: 'postgres', url }).initialize();
  const storage = await Storage.open(dataSource, resolveOptions({}).options, new QueueEventBus());
  await storage.onApplicationShutdown();
  await dataSource.destroy();
}
