import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { QueueDoctor } from '../../lib/doctor/queue-doctor.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { anEmptyDatabase, type TestDatabase } from '../support/database.js';
import { aDataSource, openStorage } from '../support/storage.js';

/** Whatever changes how the server reads statements, and prints names, definitions and values. */
const HOSTILE: Record<string, string>[] = [
  { quote_all_identifiers: 'on' },
  { standard_conforming_strings: 'off', escape_string_warning: 'off', backslash_quote: 'on' },
  { DateStyle: 'SQL, DMY', TimeZone: 'Asia/Kolkata', IntervalStyle: 'iso_8601' },
  {
    DateStyle: 'German',
    IntervalStyle: 'sql_standard',
    extra_float_digits: '-15',
    bytea_output: 'escape',
    array_nulls: 'off',
  },
  { search_path: 'simple_queue, public', transform_null_equals: 'on', xmlbinary: 'hex' },
  { lc_numeric: 'C', lc_time: 'C', lc_monetary: 'C', client_encoding: 'latin1' },
];

describe.each(HOSTILE)('in a database with %p', (settings) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await anEmptyDatabase();
    for (const [name, value] of Object.entries(settings))
      await database.query(
        `alter database ${database.name} set ${name} = ${name === 'DateStyle' || name === 'search_path' ? value : `'${value}'`}`,
      );
  });
  afterAll(() => database.drop());

  it.each(['session', 'transaction'] as const)(
    'the tables are as they should be, and the doctor knows: poolMode %s',
    async (poolMode) => {
      const dataSource = await aDataSource(database.url);
      const given = { poolMode, wakeUp: 'off', worker: false } as const;
      const storage = await openStorage(dataSource, given);
      const findings = await new QueueDoctor(storage, resolveOptions(given).options).examine();
      const told = findings.filter(({ code }) =>
        ['SCHEMA_DRIFT', 'SCHEMA_VERSION', 'RIGHTS', 'PARTITIONS'].includes(code),
      );
      expect(told.filter(({ level }) => level !== 'ok')).toEqual([]);
      expect(told.map(({ code }) => code)).toContain('SCHEMA_DRIFT');
      expect(findings.filter(({ found }) => /could not|failed/i.test(found))).toEqual([]);
      await storage.onApplicationShutdown();
      await dataSource.destroy();
    },
  );
});
