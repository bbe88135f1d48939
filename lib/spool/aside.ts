import { randomUUID } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { ifThere, namesIn, newFolderAt, removed, sizeOf, writeWhole } from './files.js';
import { mismatch, silentMs } from './folders.js';
import { framed, jobsOf, type SpoolRecord } from './record.js';
import { headerRecord, readHeader, readSegment } from './segment.js';

/** What is kept for a person: jobs that the database refused, and bytes that nobody can read. */
export interface AsideState {
  jobs: number;
  /** Files of bytes that are damaged, or that this process cannot read. */
  damaged: number;
  bytes: number;
}

interface Weight {
  jobs: number;
  bytes: number;
  isUnread?: true;
}

/** Refused for what passes: tried again by itself. */
const AGAIN = '.again';
const REFUSED = '.aside';
const DAMAGED = '.damaged';
/** Of a process that died while it wrote: what it held is still in its segment. */
const DRAFT = '.draft';
const DRAFT_MS = 3_600_000;

export const holdsJobs = (name: string): boolean => name.endsWith(AGAIN) || name.endsWith(REFUSED);
/** In the order of time. */
const newName = (ending: string): string => `${Date.now()}-${randomUUID()}${ending}`;

/** The part of the folder that no process replays but on request. Its files have the layout of segments, and are whole or not there. */
export class Aside {
  readonly path: string;
  private readonly counted = new Map<string, Weight>();

  constructor(folder: string) {
    this.path = join(folder, 'aside');
  }

  get state(): AsideState {
    const state = { jobs: 0, damaged: 0, bytes: 0 };
    for (const [name, { jobs, bytes, isUnread }] of this.counted) {
      state.jobs += jobs;
      state.bytes += bytes;
      if (isUnread || name.endsWith(DAMAGED)) state.damaged++;
    }
    return state;
  }

  async removeDrafts(): Promise<void> {
    for (const name of (await this.files()).filter((each) => each.endsWith(DRAFT)))
      if (((await silentMs(join(this.path, name))) ?? 0) > DRAFT_MS) await this.remove(name);
  }

  /** Other processes add and take, too. */
  async count(): Promise<AsideState> {
    const names = (await this.files()).filter((name) => !name.endsWith(DRAFT));
    for (const name of this.counted.keys()) if (!names.includes(name)) this.counted.delete(name);
    for (const name of names)
      if (this.counted.get(name)?.isUnread !== undefined || !this.counted.has(name))
        this.counted.set(name, await this.weigh(name));
    return this.state;
  }

  files(): Promise<string[]> {
    return namesIn(this.path);
  }

  async keep(database: string, records: SpoolRecord[], isPassing: boolean): Promise<void> {
    const bytes = Buffer.concat([headerRecord(database), ...records.map(framed)]);
    await this.write(newName(isPassing ? AGAIN : REFUSED), bytes);
  }

  keepDamaged(bytes: Buffer): Promise<void> {
    return this.write(newName(DAMAGED), bytes);
  }

  /** Who moves a file has it. `all`: also what was refused for good. Returns where the files are now. */
  async take(all: boolean, database: string, newPath: () => string): Promise<string[]> {
    const taken: string[] = [];
    for (const name of await this.files()) {
      if (!(name.endsWith(AGAIN) || (all && name.endsWith(REFUSED)))) continue;
      const [from, to] = [join(this.path, name), newPath()];
      const header = await readHeader(from).catch(() => undefined);
      if (!header || mismatch(header, database) !== undefined) continue;
      if (await ifThere(rename(from, to).then(() => true))) taken.push(to);
    }
    return taken;
  }

  async remove(name: string): Promise<void> {
    await removed(join(this.path, name));
  }

  private async write(name: string, bytes: Buffer): Promise<void> {
    await newFolderAt(this.path);
    await writeWhole(join(this.path, name), bytes);
    this.counted.set(name, await this.weigh(name));
  }

  /** What another user has put there, and this one may not read, stops neither a start nor what is around it. */
  private async weigh(name: string): Promise<Weight> {
    const path = join(this.path, name);
    const bytes = await sizeOf(path);
    if (!holdsJobs(name)) return { jobs: 0, bytes };
    try {
      return { jobs: jobsOf((await readSegment(path))?.records ?? []), bytes };
    } catch {
      return { jobs: 0, bytes, isUnread: true };
    }
  }
}
