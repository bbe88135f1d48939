import { join } from 'node:path';
import { Aside, holdsJobs } from './aside.js';
import {
  processFolders,
  removeFolder,
  segmentsIn,
  silentFolders,
  silentMs,
  takenOver,
} from './folders.js';
import { removed } from './files.js';
import type { SpoolRecord } from './record.js';
import { FORMAT, readSegment, type SegmentHeader } from './segment.js';

/** What one process has spooled. */
export interface SurveyedFolder {
  name: string;
  /** Since its process last said that it lives; Infinity: it has ended. */
  silentMs: number;
  header: SegmentHeader | undefined;
  segments: number;
  jobs: number;
  bytes: number;
}

/** A look from outside, at whatever is there; it changes nothing. */
export async function surveyed(root: string): Promise<SurveyedFolder[]> {
  const found: SurveyedFolder[] = [];
  for (const name of await processFolders(root)) {
    const segments = await segmentsIn(join(root, name));
    const sum = { segments: segments.length, jobs: 0, bytes: 0 };
    let header: SegmentHeader | undefined;
    for (const path of segments) {
      const segment = await readSegment(path);
      header ??= segment?.header;
      for (const { jobs, body } of segment?.records ?? []) {
        sum.jobs += jobs;
        sum.bytes += body.length;
      }
    }
    found.push({ name, silentMs: (await silentMs(join(root, name))) ?? 0, header, ...sum });
  }
  return found;
}

/** Of folders of processes, and of what was put aside, file by file. */
export async function* leftFiles(
  root: string,
  { staleMs, take = false }: Left = {},
): AsyncGenerator<LeftFile> {
  const names = await (staleMs === undefined ? processFolders(root) : silentFolders(root, staleMs));
  for (const name of names) {
    const folder = take ? await takenOver(root, name) : join(root, name);
    for (const path of folder === undefined ? [] : await segmentsIn(folder))
      yield { path, isAside: false, ...(await contentsOf(path)) };
  }
  const aside = new Aside(root);
  for (const name of (await aside.files()).filter(holdsJobs)) {
    const path = join(aside.path, name);
    yield { path, isAside: true, ...(await contentsOf(path)) };
  }
}

interface Left {
  /** Only of processes that were silent for so long. */
  staleMs?: number | undefined;
  /** A process that lives after all acknowledges nothing more into what is read here. */
  take?: boolean;
}

interface LeftFile {
  path: string;
  isAside: boolean;
  records: SpoolRecord[];
  /** All that was acknowledged is among the records: nothing is damaged, and the layout is known. */
  isWhole: boolean;
}

async function contentsOf(path: string): Promise<Pick<LeftFile, 'records' | 'isWhole'>> {
  const found = await readSegment(path);
  if (!found) return { records: [], isWhole: true };
  const { records, header, damaged } = found;
  return { records, isWhole: header?.format === FORMAT && damaged.length === 0 };
}

/** Files that were read whole. Folders that are empty then go as well. */
export async function removeFiles(root: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) await removed(path);
  for (const name of await processFolders(root)) await removeFolder(join(root, name));
}
