import { mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

export const codeOf = (error: unknown): string | undefined =>
  (error as { code?: string } | null)?.code;

/** Somebody else has it, or it is gone: ENOTDIR says that a file is where its folder was. */
export const isGone = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '');

/** undefined where it is gone. */
export async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

export const namesIn = async (folder: string): Promise<string[]> =>
  ((await ifThere(readdir(folder))) ?? []).sort();

/** A name is on the disk only when its folder is. Windows opens no folders, and needs none of this. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * With all that leads there, also where somebody has deleted it meanwhile. `recursive` of Node.js never ends where a link leads nowhere, or
 * where a file system says that there is no such place.
 */
export async function newFolderAt(path: string): Promise<void> {
  const parent = dirname(path);
  await newFolderIn(parent, path).catch(async (error: unknown) => {
    if (codeOf(error) !== 'ENOENT' || parent === path) throw error;
    await newFolderAt(parent);
    await newFolderIn(parent, path);
  });
}

async function newFolderIn(parent: string, path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if ((await stat(path).catch(() => undefined))?.isDirectory()) return;
    throw error;
  }
  // Who may write there need not be allowed to read.
  await syncFolder(parent).catch((error: unknown) => {
    if (codeOf(error) !== 'EACCES') throw error;
  });
}

/** A whole file or none: written beside its place, and moved there when it is on the disk. */
export async function writeWhole(path: string, bytes: Buffer): Promise<void> {
  const draft = `${path}.draft`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, path);
  await syncFolder(dirname(path));
}

export const removed = (path: string): Promise<void | undefined> => ifThere(unlink(path));

export const sizeOf = async (path: string): Promise<number> =>
  (await ifThere(stat(path)))?.size ?? 0;
