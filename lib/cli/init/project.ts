import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { QueueError } from '../../job/queue.errors.js';

/** An application's own texts by their paths from its root, with slashes: what `planInit` reads. Nothing else of it is looked at. */
export type Project = ReadonlyMap<string, string>;

const SETTINGS = ['package.json', 'nest-cli.json'];
/** Beside the sources: each application of a workspace has its own. */
export const E2E = 'test/jest-e2e.json';
const FOREIGN = new Set(['node_modules', 'dist', 'coverage', 'build']);

/**
 * Empty where no package.json is: nobody's folders are searched.
 * @throws QueueError `INVALID_OPTION` where something cannot be read.
 */
export function readProject(root: string): Project {
  try {
    return textsIn(root);
  } catch (error) {
    const { errno, code, path } = error as NodeJS.ErrnoException;
    throw errno
      ? refusal(`${path} cannot be read (${code}). Name the folder of your Nest application.`)
      : error;
  }
}

function textsIn(root: string): Project {
  const settings = SETTINGS.map((path) => join(root, path)).filter((path) =>
    statSync(path, { throwIfNoEntry: false })?.isFile(),
  );
  if (!settings.includes(join(root, 'package.json'))) return new Map();
  return new Map(
    [...settings, ...sourcesIn(root)].map((path) => [
      fromRoot(root, path),
      readFileSync(path, 'utf8'),
    ]),
  );
}

function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return FOREIGN.has(entry.name) || entry.name.startsWith('.') ? [] : sourcesIn(path);
    const isRead = /(?<!\.d)\.ts$/.test(entry.name) || path.endsWith(join(sep, E2E));
    return entry.isFile() && isRead ? [path] : [];
  });
}

const fromRoot = (root: string, path: string): string => relative(root, path).split(sep).join('/');

/** Nothing is written where nobody asked for it. */
export const outside = (path: string): QueueError =>
  refusal(
    `${path} lies outside of the folder. Run it in the folder of the application that has it.`,
  );

/** The call is wrong for this folder, and nothing is done. */
export const refusal = (message: string): QueueError => new QueueError('INVALID_OPTION', message);
