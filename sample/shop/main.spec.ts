import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { anEmptyDatabase, type TestDatabase } from '../../test/support/database.js';
import { compiled } from '../../test/support/compiled.mjs';
import { patient } from '../../test/support/patience.mjs';

const LINES = 120;
let folder: string;
let file: string;
let good: number;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'shop-'));
  file = join(folder, 'orders.csv');
  const lines = readFileSync('sample/shop/orders.csv', 'utf8').split('\n').slice(0, LINES);
  writeFileSync(file, lines.join('\n'));
  good = lines.filter((line) => line.startsWith('A-')).length;
});

afterAll(() => rmSync(folder, { recursive: true }));

/** `npm start -- ...args`, to its end. */
async function start(...args: string[]): Promise<{ code: number; output: string; errors: string }> {
  const shop = spawn(process.execPath, [compiled('sample/shop/main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [output, errors, [code]] = await Promise.all([
    text(shop.stdout),
    text(shop.stderr),
    once(shop, 'exit'),
  ]);
  return { code: code as number, output, errors };
}

describe('--once', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await anEmptyDatabase();
  });

  afterAll(() => database.drop());

  const once = (...flags: string[]) =>
    start('--once', '--orders', file, '--database-url', database.url, ...flags);

  it(
    'ends with one receipt for each good order, through crashes of the worker',
    async () => {
      const { code, output, errors } = await once('--crash');
      expect({ code, errors }).toEqual({ code: 0, errors: '' });
      expect(output).toMatch(/worker \d+ killed with SIGKILL \(5 of 5\)/);
      expect(output).toContain(`receipts   ${good}, exactly one for every good order`);
      expect(output).not.toContain('\u001b');
      expect(await database.query('select count(*)::int as receipts from shop.receipt')).toEqual([
        { receipts: good },
      ]);
    },
    patient(120_000),
  );

  it('places no order twice when it starts again', async () => {
    const { code, output } = await once();
    expect(code).toBe(0);
    expect(output).toContain(
      `orders     ${good} good, ${good} of them there already, ${LINES - 1 - good} bad`,
    );
    expect(output).toContain(`receipts   ${good}, exactly one for every good order`);
  });

  it('ends with code 1 when a good order has no receipt', async () => {
    await database.query(`delete from shop.receipt where order_id = 'A-00001'`);
    const { code, output } = await once();
    expect(code).toBe(1);
    expect(output).toContain('WRONG: 1 good orders have none');
  });
});

it('says in one line that its port is taken, and what to do', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const { code, errors } = await start('--port', String(port));
  expect({ code, errors }).toEqual({
    code: 1,
    errors: `Port ${port} is taken. Choose another: npm start -- --port 3001, or PORT=3001 npm start.\n`,
  });
  other.close();
});

it.each([
  [['--port', 'abc'], /must be a number from 0/],
  [['--orders', 'nowhere.csv'], /nowhere\.csv/],
  [
    ['--once', '--database-url', 'postgres://nobody@127.0.0.1:1/shop'],
    /127\.0\.0\.1:1\/shop can't be used: .*ECONNREFUSED/,
  ],
])('says what is wrong with %j', async (args, message) => {
  const { code, errors } = await start(...args);
  expect(code).toBe(1);
  expect(errors).toMatch(message);
  expect(errors).not.toMatch(/^\s+at /m);
});
