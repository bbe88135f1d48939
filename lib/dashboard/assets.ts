import { createHash } from 'node:crypto';
import type { Answer } from './answer.js';
import { pageFiles } from './page-files.js';

const TYPES: Readonly<Record<string, string>> = {
  'page.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
};
/** Of an address that names this very content. */
const FOR_GOOD = 'private, max-age=31536000, immutable, no-transform';

/** What the page consists of. */
export class Assets {
  private loaded: Promise<{ files: Readonly<Record<string, string>>; version: string }> | undefined;

  /** Another one for another content. */
  async version(): Promise<string> {
    return (await this.load()).version;
  }

  /** Under the address of another release, whose page may ask here while a deploy rolls, a browser must not keep it. */
  async file(name: string, asked: string): Promise<Answer | undefined> {
    const type = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
    const { files, version } = await this.load();
    const body = files[name];
    if (!type || !body) return undefined;
    const answer = { status: 200, type, body };
    return asked === version ? { ...answer, headers: { 'cache-control': FOR_GOOD } } : answer;
  }

  private load(): NonNullable<Assets['loaded']> {
    return (this.loaded ??= pageFiles().then((files) => ({
      files,
      version: createHash('sha256')
        .update(Object.values(files).join('\0'))
        .digest('hex')
        .slice(0, 12),
    })));
  }
}
