import { describe } from '@jest/globals';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { eventually } from './eventually.js';

/** Of Redis or Valkey. */
const SERVER = process.env.SQ_TEST_REDIS ?? 'redis-server';
export const hasRedis = spawnSync(SERVER, ['--version']).status === 0;

/** A suite that needs a server, skipped with the reason where there is none. */
export const withRedis = (name: string, suite: () => void): void =>
  hasRedis
    ? describe(name, suite)
    : describe.skip(`${name} (skipped: there is no ${SERVER} here)`, suite);

/** What a test does to a server beside the library. */
export type Redis = ReturnType<typeof createClient>;

/** A server of its own, with all it writes in a folder of its own. */
export class TestRedis {
  private process!: ChildProcess;
  private readonly folder = mkdtempSync(join(tmpdir(), 'sq-redis-'));
  private readonly clients: Redis[] = [];
  port = 0;

  private constructor(private readonly settings: string[]) {}

  /** @param settings Of redis.conf; nothing is kept on disk without one. */
  static async start(...settings: string[]): Promise<TestRedis> {
    const redis = new TestRedis(settings);
    await redis.up();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Connected; closed with the server. */
  async client(options: Parameters<typeof createClient>[0] = {}): Promise<Redis> {
    const socket = { reconnectStrategy: 20 };
    const client = createClient({ url: this.url, socket, ...options }) as Redis;
    client.on('error', () => undefined);
    this.clients.push(client);
    await client.connect();
    return client;
  }

  /** Starts it, on the same port where it had one. Somebody else may take a free one first. */
  async up(): Promise<void> {
    const isFixed = this.port !== 0;
    do {
      if (!isFixed) this.port = await freePort();
      const where = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.folder];
      this.process = spawn(SERVER, [...where, '--save', '', ...this.settings], { stdio: 'ignore' });
      await eventually(() => this.hasEnded || this.answers());
      if (this.hasEnded && isFixed) throw new Error(`${SERVER} does not start on its port again.`);
    } while (this.hasEnded);
  }

  /** As a power cut does. */
  async kill(): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    for (const client of this.clients) if (client.isOpen) client.destroy();
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** It does, and no other server that was quicker to take the port. */
  private async answers(): Promise<boolean> {
    const client = createClient({ url: this.url, socket: { reconnectStrategy: false } });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.info('server')).includes(`process_id:${this.process.pid}\r`);
    } finally {
      client.destroy();
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
