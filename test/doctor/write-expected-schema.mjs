// Writes migrations/expected-schema.ts anew, from tables that the migrations have just made:
// node --import ./test/support/typescript.mjs test/doctor/write-expected-schema.mjs
import { writeFileSync } from 'node:fs';
import { DESCRIBE_SCHEMA } from '../../lib/storage/schema/describe-schema.sql.ts';
import globalSetup from '../support/global-setup.ts';
import { aStorage } from '../support/storage.ts';
import { expectedSchemaText } from './expected-schema-text.ts';

await globalSetup();
const test = await aStorage();
const rows = await test.database.query(DESCRIBE_SCHEMA.text, ['simple_queue']);
writeFileSync('migrations/expected-schema.ts', expectedSchemaText(rows));
await test.close();
await globalThis.testServer.stop();
