import { readFile } from 'node:fs/promises';

/** What `npm run page` has built. The published library has it in this module's place as text, so that a bundler finds it too. */
export async function pageFiles(): Promise<Readonly<Record<string, string>>> {
  const { HERE } = await import('../runtime/here.js');
  const read = async (name: string): Promise<string> => {
    for (const folder of ['../../dist/page/', '../../page/']) {
      const text = await readFile(new URL(folder + name, HERE), 'utf8').catch(() => undefined);
      if (text !== undefined) return text;
    }
    return '';
  };
  return { 'page.js': await read('page.js'), 'page.css': await read('page.css') };
}
