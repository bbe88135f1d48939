import { execFileSync } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';

/** A file system of its own; false where nobody may make one. */
export async function isSmallDisk(path: string): Promise<boolean> {
  await mkdir(path);
  return isMounted('-t', 'tmpfs', '-o', 'size=64k', 'none', path);
}

export const isReadOnly = (path: string): boolean => isMounted('-o', 'remount,ro', path);
export const isWritable = (path: string): boolean => isMounted('-o', 'remount,rw', path);
export const unmount = (path: string): Buffer => execFileSync('umount', [path]);

/** The folders of processes. */
export const foldersIn = async (root: string): Promise<string[]> =>
  (await readdir(root)).filter((name) => name !== 'aside');

function isMounted(...argv: string[]): boolean {
  try {
    execFileSync('mount', argv, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
