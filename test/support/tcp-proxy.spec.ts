import { afterEach, beforeEach, expect, it } from '@jest/globals';
import pg from 'pg';
import { TcpProxy } from './tcp-proxy.ts';

let proxy: TcpProxy;
const clients: pg.Client[] = [];

beforeEach(async () => {
  proxy = await TcpProxy.start(process.env.SQ_TEST_URL!);
});

afterEach(async () => {
  proxy.stop();
  await Promise.allSettled(clients.splice(0).map((client) => client.end()));
});

async function connected(options: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: proxy.url, ...options });
  client.on('error', () => undefined);
  await client.connect();
  clients.push(client);
  return client;
}

async function answers(client: pg.Client): Promise<boolean> {
  return (await client.query<{ one: number }>('select 1 as one')).rows[0]?.one === 1;
}

it('passes what it is given', async () => {
  const client = await connected();
  const text = 'x'.repeat(1_000_000);
  const { rows } = await client.query<{ text: string }>('select $1::text as text', [text]);
  expect(rows[0]?.text).toBe(text);
});

it('black-holes open connections and accepts new ones', async () => {
  const open = await connected({ query_timeout: 100 });
  proxy.blackHole();
  await expect(answers(open)).rejects.toThrow('Query read timeout');
  expect(await answers(await connected())).toBe(true);
});

it('keeps a black-holed connection silent when the network is good again', async () => {
  const open = await connected({ query_timeout: 100 });
  proxy.blackHole();
  await proxy.pass();
  await expect(answers(open)).rejects.toThrow('Query read timeout');
});

it('resets open connections', async () => {
  const open = await connected();
  proxy.reset();
  await expect(answers(open)).rejects.toThrow(/ECONNRESET|terminated|not queryable/);
});

it('refuses new connections until it passes again, and leaves open ones alone', async () => {
  const open = await connected();
  proxy.refuse();
  await expect(connected()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(await answers(open)).toBe(true);
  await proxy.pass();
  expect(await answers(await connected())).toBe(true);
});

it('is gone the nth time that a text is sent', async () => {
  const client = await connected();
  proxy.failAt('as one', 2);
  expect(await answers(client)).toBe(true);
  await expect(answers(client)).rejects.toThrow(/ECONNRESET|terminated|not queryable/);
  await expect(connected()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

it('delays in both directions', async () => {
  const client = await connected();
  proxy.delay(50);
  const start = Date.now();
  expect(await answers(client)).toBe(true);
  expect(Date.now() - start).toBeGreaterThanOrEqual(99);
});
