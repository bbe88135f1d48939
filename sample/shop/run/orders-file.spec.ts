import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOrdersFile } from './orders-file.js';

const HEADER = 'id,day,customer,email,item,quantity,amount,currency,webhook';
const GOOD = 'A-1,2025-03-01,"Keller, Ada",ada@example.com,grinder,2,178.00,EUR,';
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orders-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

function read(...lines: string[]): ReturnType<typeof readOrdersFile> {
  const file = join(folder, 'orders.csv');
  writeFileSync(file, lines.join('\n'));
  return readOrdersFile(file);
}

it('makes a request of each line, quotes taken off', () => {
  const request = {
    id: 'A-1',
    day: '2025-03-01',
    customer: 'Keller, Ada',
    email: 'ada@example.com',
    item: 'grinder',
  };
  expect(read(HEADER, GOOD)).toEqual([
    {
      line: 2,
      request: { ...request, quantity: 2, amount: '178.00', currency: 'EUR', webhook: '' },
    },
  ]);
});

it('reads files of Windows, with a byte order mark and empty lines', () => {
  expect(read(`\uFEFF${HEADER}\r`, `${GOOD}\r`, '\r', `${GOOD}\r`, '')).toMatchObject([
    { line: 2 },
    { line: 4 },
  ]);
});

it('names what is wrong with a line, and goes on with the next', () => {
  expect(
    read(
      HEADER,
      'A-1,2025-03-01',
      GOOD.replace('Ada"', 'Ada'),
      GOOD.replace('Ada"', 'Ada"!'),
      GOOD,
    ),
  ).toMatchObject([
    { line: 2, problem: '2 columns instead of 9' },
    { line: 3, problem: expect.stringMatching(/^broken quoting/) },
    { line: 4, problem: expect.stringMatching(/^broken quoting/) },
    { line: 5, request: { id: 'A-1' } },
  ]);
});

it('leaves a quantity that is no number to the shop to refuse', () => {
  expect(read(HEADER, GOOD.replace(',2,', ',two,'))).toMatchObject([
    { request: { quantity: 'two' } },
  ]);
});

it('says which file cannot be read, and which header is expected', () => {
  expect(() => readOrdersFile(join(folder, 'missing.csv'))).toThrow(/missing\.csv/);
  expect(() => read('a,b', GOOD)).toThrow(`the first line must be ${HEADER}`);
});

it('has the sample file as make-orders.mjs writes it', () => {
  const made = execFileSync(process.execPath, ['sample/shop/make-orders.mjs'], {
    encoding: 'utf8',
  });
  expect(readFileSync('sample/shop/orders.csv', 'utf8')).toBe(made);
});
