import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import { serverAccount, type Account } from './account.ts';
import { findBinaries, type Binaries } from './binaries.ts';
import { newHomeRoot } from './home.ts';
import {
  claimHome,
  HOME_PREFIX,
  killServer,
  serverPid,
  sweepStaleServers,
} from './stale-servers.ts';

export interface LocalPostgresOptions {
  /** Major version; `embedded` (the default) is the newest. `13` and `12` come from npm, others from `/usr/lib/postgresql`. */
  version?: string;
  /** Default: a free one. */
  port?: number;
  /** Where the server lives. Default: a new directory, in memory where it need not be durable and there is room. */
  dataDir?: string;
  /** Keep the data when stopped (default false). Needs `dataDir`. */
  persistent?: boolean;
  /** PostgreSQL's own defaults for fsync and the like. Default false: fast, and a crash of the machine may lose everything. */
  durable?: boolean;
}

const START_LIMIT_MS = 30_000;
const MOST_TRIES = 3;
const NOT_DURABLE = ['fsync=off', 'full_page_writes=off', 'synchronous_commit=off'];
const SIGNALS = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

/** Starts a PostgreSQL server of our own, on the loopback interface only. It ends with this process at the latest. */
export async function startPostgres(options: LocalPostgresOptions = {}): Promise<LocalPostgres> {
  if (options.persistent && !options.dataDir)
    throw new Error('A persistent server needs a dataDir.');
  sweepStaleServers();
  const account = serverAccount();
  const home = makeHome(options, account);
  try {
    const binaries = findBinaries(majorOf(options.version), account, home);
    const postgres = new LocalPostgres(home, binaries, options);
    await postgres.start();
    return postgres;
  } catch (error) {
    if (!options.persistent) rmSync(home, { recursive: true, force: true });
    throw error;
  }
}

export class LocalPostgres {
  readonly dataDir: string;
  readonly version: string;
  port: number;
  private readonly password: string;
  private server?: ChildProcess;

  constructor(
    private readonly home: string,
    private readonly binaries: Binaries,
    private readonly options: LocalPostgresOptions,
  ) {
    this.port = options.port ?? 0;
    this.dataDir = join(home, 'data');
    this.version = binaries.version;
    this.password = this.createCluster();
  }

  /** As superuser, to the database `postgres`. */
  get url(): string {
    return `postgres://postgres:${this.password}@127.0.0.1:${this.port}/postgres`;
  }

  /** Somebody else, a client of another server perhaps, may take a free port first. */
  async start(): Promise<void> {
    const isFixed = this.port !== 0;
    for (let tries = 1; ; tries++) {
      if (!isFixed) this.port = await freePort();
      try {
        return await this.startOnce();
      } catch (error) {
        if (isFixed || tries === MOST_TRIES || !/in use/.test(String(error))) throw error;
      }
    }
  }

  private async startOnce(): Promise<void> {
    const log = openSync(join(this.home, 'server.log'), 'a');
    // A group of its own: Ctrl-C in a terminal is for the application, which still needs its database to finish its jobs.
    this.server = spawn(this.binaries.postgres, this.serverArguments(), {
      ...this.binaries.account,
      cwd: '/',
      detached: true,
      stdio: ['ignore', log, log],
    });
    this.server.unref();
    closeSync(log);
    endWithProcess(this);
    await this.untilReady(this.server);
  }

  /** Stops the server and, unless it is persistent, removes its data. */
  async stop(): Promise<void> {
    survivors.delete(this);
    await this.halt('fast');
    this.discard();
  }

  /** `fast` disconnects every client and shuts down in order; `immediate` is a crash, followed by recovery. Same port, same data. */
  async restart(mode: keyof typeof SIGNALS): Promise<void> {
    await this.halt(mode);
    await this.start();
  }

  /** What `stop` does, for a process that is about to exit and can wait for nothing. */
  stopNow(): void {
    const pid = serverPid(this.home);
    if (pid) killServer(pid);
    this.discard();
  }

  private async halt(mode: keyof typeof SIGNALS): Promise<void> {
    const server = this.server;
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    server.ref();
    const exited = once(server, 'exit');
    server.kill(SIGNALS[mode]);
    await exited;
  }

  private discard(): void {
    if (!this.options.persistent) rmSync(this.home, { recursive: true, force: true });
  }

  private createCluster(): string {
    const passwordFile = join(this.home, 'password');
    if (existsSync(join(this.dataDir, 'PG_VERSION'))) return readFileSync(passwordFile, 'utf8');
    const password = randomBytes(12).toString('hex');
    writeFileSync(passwordFile, password, { mode: 0o600 });
    giveTo(this.binaries.account, passwordFile);
    const flags = [
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=password',
      '--no-locale',
      '--encoding=UTF8',
    ];
    if (!this.options.durable) flags.push('--no-sync', ...quickPasswords(this.version));
    const initdb = spawnSync(this.binaries.initdb, ['-D', this.dataDir, ...flags], {
      ...this.binaries.account,
      cwd: '/',
      encoding: 'utf8',
    });
    if (initdb.status !== 0)
      throw new Error(`initdb failed: ${initdb.error?.message ?? initdb.stderr}`);
    return password;
  }

  private serverArguments(): string[] {
    const settings = [
      'listen_addresses=127.0.0.1',
      'unix_socket_directories=',
      `port=${this.port}`,
      // Three files of tests at once have come to 195.
      'max_connections=400',
      'max_prepared_transactions=2',
    ];
    if (!this.options.durable) settings.push(...NOT_DURABLE);
    return ['-D', this.dataDir, ...settings.flatMap((setting) => ['-c', setting])];
  }

  /** The server itself writes `ready` into the eighth line of its pid file: what pg_ctl waits for. */
  private async untilReady(server: ChildProcess): Promise<void> {
    const deadline = Date.now() + START_LIMIT_MS;
    while (Date.now() < deadline && server.exitCode === null && server.pid !== undefined) {
      const pidFile = join(this.dataDir, 'postmaster.pid');
      const lines = existsSync(pidFile) ? readFileSync(pidFile, 'utf8').split('\n') : [];
      if (lines[0] === String(server.pid) && lines[7]?.trim() === 'ready') return;
      await rest(10);
    }
    throw new Error(
      `PostgreSQL ${this.version} did not start:\n${readFileSync(join(this.home, 'server.log'), 'utf8').slice(-2_000)}`,
    );
  }
}

function majorOf(version: string | undefined): string {
  return version === undefined || version === 'embedded' ? '18' : version;
}

/** Each connection hashes its password 4,096 times otherwise: 5 ms of a core. */
function quickPasswords(version: string): string[] {
  return Number.parseInt(version) < 16 ? [] : ['--set', 'scram_iterations=1'];
}

function makeHome({ dataDir, durable = false }: LocalPostgresOptions, account: Account): string {
  const home = dataDir ?? mkdtempSync(join(newHomeRoot(durable), HOME_PREFIX));
  mkdirSync(home, { recursive: true });
  claimHome(home);
  chmodSync(home, 0o700);
  giveTo(account, home);
  return home;
}

function giveTo({ uid, gid }: Account, path: string): void {
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Servers to be stopped when this process exits. */
const survivors = new Set<LocalPostgres>();

function endWithProcess(postgres: LocalPostgres): void {
  if (survivors.size === 0) watchProcess();
  survivors.add(postgres);
}

let watched = false;

function watchProcess(): void {
  if (watched) return;
  watched = true;
  process.on('exit', () => survivors.forEach((postgres) => postgres.stopNow()));
  // Without a listener a signal ends the process before `exit`. Who else listens has its own way to end, and may need the database for it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(
      signal,
      () => process.listenerCount(signal) === 1 && process.exit(signal === 'SIGINT' ? 130 : 143),
    );
  }
}
