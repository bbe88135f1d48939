import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { rest } from '../worker/clock.js';
import { treeSeconds } from './processes.js';

const DURABILITY = {
  plain: ['--appendonly', 'no'],
  durable: ['--appendonly', 'yes', '--appendfsync', 'always'],
};

/** undefined where no `redis-server` is installed: BullMQ is then left out, and the tables say so. */
export function redisVersion() {
  const { status, stdout } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  return status === 0 ? /v=([\d.]+)/.exec(stdout)?.[1] : undefined;
}

export async function startRedis(durability) {
  const home = mkdtempSync(join(tmpdir(), 'sq-redis-'));
  const port = await freePort();
  const flags = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    home,
    '--save',
    '',
    '--maxmemory-policy',
    'noeviction',
  ];
  const child = spawn('redis-server', [...flags, ...DURABILITY[durability]], { stdio: 'ignore' });
  const server = new RedisServer({ child, home, port });
  process.once('exit', () => server.kill());
  await server.untilReady();
  return server;
}

class RedisServer {
  constructor({ child, home, port }) {
    this.child = child;
    this.home = home;
    this.port = port;
    this.client = new Redis({ port, host: '127.0.0.1', maxRetriesPerRequest: null });
    this.client.on('error', () => undefined);
  }

  async untilReady() {
    for (let look = 0; look < 200; look++) {
      if ((await Promise.race([this.client.ping(), rest(50)])) === 'PONG') return;
    }
    throw new Error('redis-server did not start.');
  }

  async stop() {
    this.client.disconnect();
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await Promise.race([exited, rest(5_000)]);
    this.kill();
  }

  kill() {
    this.child.kill('SIGKILL');
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** The same questions as to a PostgreSQL target; a "statement" is a command, and the log is the append-only file. */
export class RedisTarget {
  static async create(server) {
    await server.client.flushall();
    return new RedisTarget(server);
  }

  constructor(server) {
    this.server = server;
    this.settings = { redisPort: server.port };
  }

  async analyze() {}

  async isDrained() {
    const [waiting, active] = await Promise.all(
      ['wait', 'active'].map((list) => this.server.client.llen(`bull:bench:${list}`)),
    );
    return waiting + active === 0;
  }

  async counters() {
    const info = await this.server.client.info('everything');
    const wal = Number(/aof_current_size:(\d+)/.exec(info)?.[1] ?? 0);
    return {
      cpu: treeSeconds(this.server.child.pid),
      wal,
      statements: Number(/total_commands_processed:(\d+)/.exec(info)[1]),
    };
  }

  async remains() {
    const memory = await this.server.client.info('memory');
    return { commits: 0, dead: 0, size: Number(/used_memory:(\d+)/.exec(memory)[1]) };
  }

  async statements() {
    return [];
  }

  async drop() {
    await this.server.client.flushall();
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
