import { createHash } from 'node:crypto';
import type { Answer } from './answer.js';
import { pageFiles } from './page-files.js';

const TYPES: Readonly<Record<string, string>> = {
  'page.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
};
/** Their addresses name their content. */
const FOR_GOOD = 'private, max-age=31536000, immutable, no-transform';

/** What the page consists of. */
export class Assets {
  private loaded: Promise<{ files: Readonly<Record<string, string>>; version: string }> | undefined;

  /** Another one for another content. */
  async version(): Promise<string> {
    return (await this.load()).version;
  }

  async file(name: string): Promise<Answer | undefined> {
    const type = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
    const body = (await this.load()).files[name];
    if (!type || !body) return undefined;
    return { status: 200, type, body, headers: { 'cache-control': FOR_GOOD } };
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
