import { randomUUID } from 'node:crypto';
import { open, rename, rmdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, ifThere, namesIn, newFolderAt, removed, syncFolder } from './files.js';
import { FORMAT, readHeader, type SegmentHeader } from './segment.js';

const FOLDER = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const SEGMENT = /^\d{12}\.spool$/;

export const segmentName = (number: number): string => `${String(number).padStart(12, '0')}.spool`;
export const segmentsIn = async (folder: string): Promise<string[]> =>
  (await namesIn(folder)).filter((name) => SEGMENT.test(name)).map((name) => join(folder, name));

/** The folders of processes, by name. */
export const processFolders = async (root: string): Promise<string[]> =>
  (await namesIn(root)).filter((name) => FOLDER.test(name));

/** Throws what the operating system says where nothing can be written. */
export async function tryFolder(root: string): Promise<void> {
  await newFolderAt(root);
  const path = join(root, `probe-${randomUUID()}`);
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.writeFile('nothing');
    await handle.sync();
  } finally {
    await handle.close();
    await removed(path);
  }
}

export async function newFolder(root: string): Promise<string> {
  const path = join(root, randomUUID());
  await newFolderAt(path);
  return path;
}

/** Says that its process lives. False: the folder is gone, to a process that took this one for dead. */
export async function beat(folder: string, at = new Date()): Promise<boolean> {
  return (await ifThere(utimes(folder, at, at).then(() => true))) ?? false;
}

/** Others need not wait until its process counts as dead (`watch.ts`). */
export const leave = (folder: string): Promise<boolean> => beat(folder, new Date(0));

/** A folder that is not empty stays. */
export async function removeFolder(folder: string): Promise<void> {
  await rmdir(folder).catch(() => undefined);
}

/** Its process has said that it ends. */
export const hasLeft = (mtimeMs: number): boolean => mtimeMs <= 0;

/** By the clock. Where it was set back, times of the future are as old. Infinity: its process has ended. */
export async function silentMs(folder: string): Promise<number | undefined> {
  const there = await ifThere(stat(folder));
  return there && (hasLeft(there.mtimeMs) ? Infinity : Math.abs(Date.now() - there.mtimeMs));
}

/** Of processes that have not said for `staleMs` that they live, for who looks only once. */
export async function silentFolders(root: string, staleMs: number): Promise<string[]> {
  const silent: string[] = [];
  for (const name of await processFolders(root))
    if (((await silentMs(join(root, name))) ?? 0) > staleMs) silent.push(name);
  return silent;
}

/** Why nobody replays a folder here; undefined: it may be taken. */
export async function refusalOf(folder: string, database: string): Promise<string | undefined> {
  for (const segment of await segmentsIn(folder)) {
    const header = await readHeader(segment);
    const why = header && mismatch(header, database);
    if (why !== undefined) return why;
  }
  return undefined;
}

/** undefined: it is of these tables, in a layout that is read here. */
export function mismatch(header: SegmentHeader, database: string): string | undefined {
  if (header.format !== FORMAT)
    return `it has format ${header.format}, and this release reads format ${FORMAT}`;
  return header.database === database ? undefined : 'it belongs to another database or schema';
}

/** By a move, which one process alone makes: whoever else tries finds nothing. Returns the new name. */
export async function takenOver(root: string, name: string): Promise<string | undefined> {
  const path = join(root, randomUUID());
  try {
    await rename(join(root, name), path);
  } catch (error) {
    // EPERM, EACCES: Windows moves no folder that somebody has open.
    if (['ENOENT', 'EPERM', 'EACCES'].includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
  await beat(path);
  await syncFolder(root);
  return path;
}
