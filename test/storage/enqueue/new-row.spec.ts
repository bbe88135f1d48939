import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as one from '../../../lib/storage/enqueue/enqueue-one.sql.js';
import { UNTOUCHED } from '../../../lib/storage/enqueue/new-row.sql.js';
import { exportsOf } from '../../support/exports-of.js';
import { aStorage, type TestStorage } from '../../support/storage.js';

const GIVEN = ['created_at', 'fingerprint', 'options', 'run_at'];

describe('the row of a plain job', () => {
  let test: TestStorage;

  beforeAll(async () => {
    test = await aStorage();
  });
  afterAll(() => test.close());

  it.each(Object.values(exportsOf(one)))(
    'has constants for what it leaves as it is: $name',
    async ({ name, text }) => {
      const runner = test.dataSource.createQueryRunner();
      await runner.query('set plan_cache_mode = force_generic_plan');
      await runner.query(`prepare hot as ${text}`);
      const values = Array.from({ length: parametersOf(text) }, () => 'null').join(', ');
      const rows = (await runner.query(`explain (verbose) execute hot(${values})`)) as object[];
      await runner.query('deallocate hot');
      await runner.query('reset plan_cache_mode');
      await runner.release();
      const plan = rows.map((row) => String(Object.values(row)[0])).join('\n');
      expect(plan).toContain('NULL::simple_queue.progress');
      expect(plan).not.toContain('[1]');
      expect(plan.includes('NULL::simple_queue.options')).toBe(name.endsWith('_bare'));
    },
  );

  it('names every column of a domain that it is not given', async () => {
    const columns: { name: string }[] = await test.dataSource.query(
      `select a.attname as name from pg_attribute a join pg_type t on t.oid = a.atttypid
        where a.attrelid = 'simple_queue.job'::regclass and a.attnum > 0 and t.typtype = 'd' order by 1`,
    );
    expect([...UNTOUCHED.split(', '), ...GIVEN].sort()).toEqual(columns.map(({ name }) => name));
  });
});

const parametersOf = (text: string): number =>
  Math.max(...[...text.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)));
