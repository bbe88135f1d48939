import { existsSync, readFileSync } from 'node:fs';

/**
 * A file of this package, from which its dependencies are found. Alone in its file, and loaded when it is needed: where a test runner has
 * translated the package to CommonJS, `import.meta` cannot be read, and all that imports this would not load.
 */
export const HERE = import.meta.url;

/** Of the package that this file is in, built or not. */
export function packageVersion(folder = new URL('.', HERE)): string {
  const file = new URL('package.json', folder);
  if (!existsSync(file)) return packageVersion(new URL('..', folder));
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
