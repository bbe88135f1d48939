import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { aStorage, Rival, type TestStorage } from '../../support/storage.js';
import { printedStatements } from './printed-statements.js';

const FOLDER = new URL('../../../docs/sql/', import.meta.url);

let test: TestStorage;
let session: Rival;

beforeAll(async () => {
  test = await aStorage();
  session = await Rival.connect(test.database);
});
afterAll(async () => {
  await session.close();
  await test.close();
});

it('docs/sql prints what is sent (after a change of a statement: npm run statements)', async () => {
  const printed = await printedStatements((sql, params) => session.query(sql, params));
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.sql'));
  const found = new Map(names.map((name) => [name, readFileSync(new URL(name, FOLDER), 'utf8')]));
  expect([...found.keys()].toSorted()).toEqual([...printed.keys()].toSorted());
  const changed = [...printed]
    .filter(([name, text]) => found.get(name) !== text)
    .map(([name]) => name);
  expect(changed).toEqual([]);
});
