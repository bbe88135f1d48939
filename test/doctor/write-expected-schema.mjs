// Writes migrations/expected-schema.ts anew, from tables that the migrations have just made:
// node --import ./test/support/typescript.mjs test/doctor/write-expected-schema.mjs
import { writeFileSync } from 'node:fs';
import { startPostgres } from '../../sample/local-postgres/local-postgres.ts';
import { DESCRIBE_SCHEMA } from '../../lib/storage/sql/describe-schema.sql.ts';
import { aStorage } from '../support/storage.ts';
import { expectedSchemaText } from './expected-schema-text.ts';

const server = await startPostgres();
process.env.SQ_TEST_URL = server.url;
const test = await aStorage();
const rows = await test.database.query(DESCRIBE_SCHEMA.text, ['simple_queue']);
writeFileSync('migrations/expected-schema.ts', expectedSchemaText(rows));
await test.close();
await server.stop();
