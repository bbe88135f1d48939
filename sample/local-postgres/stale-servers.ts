import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { homeRoots } from './home.ts';

/** Temporary homes of servers; what a killed run leaves behind is known by it. */
export const HOME_PREFIX = 'sq-pg-';
const OWNER = 'owner.pid';
const HALF_MADE_MS = 60_000;

/** Writes down which process this home belongs to. */
export function claimHome(home: string): void {
  writeFileSync(join(home, OWNER), String(process.pid));
}

/** Stops the servers, and removes the data, of runs that were killed. Homes whose owner lives, or that we may not touch, stay. */
export function sweepStaleServers(): void {
  for (const root of homeRoots())
    for (const name of readdirSync(root)) {
      const home = join(root, name);
      if (name.startsWith(HOME_PREFIX) && isAbandoned(home)) discard(home);
    }
}

/** The server's process, if it runs: a number in a file is not proof, a `postgres` that was started on this very directory is. */
export function serverPid(home: string): number | undefined {
  const data = join(home, 'data');
  const pid = Number(readLine(join(data, 'postmaster.pid')));
  return pid && /postgres/.test(commandLine(pid)) && commandLine(pid).includes(data)
    ? pid
    : undefined;
}

function isAbandoned(home: string): boolean {
  try {
    if (!existsSync(join(home, OWNER))) return Date.now() - statSync(home).mtimeMs > HALF_MADE_MS;
    return !isAlive(Number(readLine(join(home, OWNER))));
  } catch {
    return false;
  }
}

function discard(home: string): void {
  try {
    const pid = serverPid(home);
    if (pid) killServer(pid);
    rmSync(home, { recursive: true, force: true });
  } catch {
    // Another user's, or another run sweeps it right now: it is not ours to insist.
  }
}

/** Blocks until the server is gone: it also runs while the process exits, when nothing asynchronous does. */
export function killServer(pid: number): void {
  process.kill(pid, 'SIGQUIT');
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; waited < 5_000 && commandLine(pid) !== ''; waited += 10)
    Atomics.wait(pause, 0, 0, 10);
}

/** A killed process whose parent has not taken notice, which in a container can last, is not alive. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return commandLine(pid) !== '';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Empty for a process that is gone, and for a zombie. */
function commandLine(pid: number): string {
  if (process.platform !== 'linux')
    return (
      spawnSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' }).stdout ?? ''
    );
  const path = `/proc/${pid}/cmdline`;
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function readLine(path: string): string {
  return existsSync(path) ? (readFileSync(path, 'utf8').split('\n')[0] ?? '') : '';
}
