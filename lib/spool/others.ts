import { basename, join } from 'node:path';
import { codeOf } from './files.js';
import { processFolders, refusalOf, removeFolder, segmentsIn, takenOver } from './folders.js';
import type { SpoolSettings } from './state.js';
import { Watch } from './watch.js';
import { ANYWHERE, command } from '../runtime/words.js';

/** The folders of other processes in the same place. */
export class Others {
  private readonly watch: Watch;
  /** By name: for good, or until it can be read. */
  private readonly refused = new Map<string, 'foreign' | 'unreadable'>();

  constructor(private readonly settings: SpoolSettings) {
    this.watch = new Watch(settings.staleMs);
  }

  get refusals(): number {
    return this.refused.size;
  }

  /** The segments of those that have died: from now on this process has them. */
  async left(own: ReadonlySet<string>): Promise<string[]> {
    const { folder: root } = this.settings;
    const mine = new Set([...own].map((folder) => basename(folder)));
    const names = (await processFolders(root)).filter((name) => !mine.has(name));
    for (const name of this.refused.keys()) if (!names.includes(name)) this.refused.delete(name);
    return this.take(await this.watch.dead(root, names));
  }

  async take(names: readonly string[]): Promise<string[]> {
    const paths: string[] = [];
    for (const name of names)
      try {
        if (this.refused.get(name) !== 'foreign') paths.push(...(await this.takeOne(name)));
      } catch (error) {
        this.refuse(name, 'unreadable', `it cannot be read (${codeOf(error)})`);
      }
    return paths;
  }

  private async takeOne(name: string): Promise<string[]> {
    const { folder: root, database } = this.settings;
    const refusal = await refusalOf(join(root, name), database);
    if (refusal !== undefined) {
      this.refuse(name, 'foreign', refusal);
      return [];
    }
    const folder = await takenOver(root, name);
    this.refused.delete(name);
    const paths = folder === undefined ? [] : await segmentsIn(folder);
    if (folder !== undefined && paths.length === 0) await removeFolder(folder);
    return paths;
  }

  private refuse(name: string, as: 'foreign' | 'unreadable', why: string): void {
    const isNew = !this.refused.has(name);
    this.refused.set(name, as);
    const message = `The spool "${join(this.settings.folder, name)}" is not replayed: ${why}. See: ${command(['spool', 'status', this.settings.folder], ANYWHERE)}`;
    if (isNew) this.settings.warn({ code: 'SPOOL_REFUSED', message });
  }
}
