// Writes docs/sql anew, from the statements: npm run statements
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import globalSetup from '../../support/global-setup.ts';
import { aStorage, Rival } from '../../support/storage.ts';
import { printedStatements } from './printed-statements.ts';

const FOLDER = new URL('../../../docs/sql/', import.meta.url);

await globalSetup();
const test = await aStorage();
const session = await Rival.connect(test.database);
const printed = await printedStatements((sql, params) => session.query(sql, params));
for (const name of readdirSync(FOLDER)) if (name.endsWith('.sql')) rmSync(new URL(name, FOLDER));
for (const [name, text] of printed) writeFileSync(new URL(name, FOLDER), text);
await session.close();
await test.close();
await globalThis.testServer.stop();
