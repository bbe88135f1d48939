// Writes docs/sql anew, from the statements: npm run statements
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { startPostgres } from '../../sample/local-postgres/local-postgres.ts';
import { aStorage, Rival } from '../support/storage.ts';
import { printedStatements } from './printed-statements.ts';

const FOLDER = new URL('../../docs/sql/', import.meta.url);

const server = await startPostgres();
process.env.SQ_TEST_URL = server.url;
const test = await aStorage();
const session = await Rival.connect(test.database);
const printed = await printedStatements((sql, params) => session.query(sql, params));
for (const name of readdirSync(FOLDER)) if (name.endsWith('.sql')) rmSync(new URL(name, FOLDER));
for (const [name, text] of printed) writeFileSync(new URL(name, FOLDER), text);
await session.close();
await test.close();
await server.stop();
