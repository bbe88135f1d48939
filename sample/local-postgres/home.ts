import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';

const MEMORY = '/dev/shm';
const ROOM_BYTES = 4 * 1024 ** 3;

/** Where temporary servers may live. */
export function homeRoots(): string[] {
  return existsSync(MEMORY) ? [tmpdir(), MEMORY] : [tmpdir()];
}

/**
 * Where a new temporary server lives. One that need not be durable gets memory where there is room: a test run makes and drops hundreds of
 * databases, and on a busy disk each takes a third of a second.
 */
export function newHomeRoot(isDurable: boolean): string {
  return !isDurable && existsSync(MEMORY) && hasRoom() && mayRunPrograms() ? MEMORY : tmpdir();
}

function hasRoom(): boolean {
  const { bavail, bsize } = statfsSync(MEMORY);
  return bavail * bsize >= ROOM_BYTES;
}

/** The server's programs are copied into its home where its account cannot read the checkout; containers often forbid that in memory. */
function mayRunPrograms(): boolean {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
  const options = mounts.find((mount) => mount.split(' ')[1] === MEMORY)?.split(' ')[3];
  return options !== undefined && !options.split(',').includes('noexec');
}
