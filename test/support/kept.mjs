import { createHash } from 'node:crypto';
import {
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const TOP = fileURLToPath(new URL('../../', import.meta.url));

/** A folder of node_modules/.cache for what is made by these files and of what else decides it. */
export function cacheFor(name, files, ...others) {
  const key = createHash('sha256').update(others.join());
  for (const file of files) key.update(readFileSync(join(TOP, file)));
  return join(TOP, `node_modules/.cache/simple-queue/${name}-${key.digest('hex').slice(0, 16)}`);
}

/** Sources below these folders, from the top of the repository. */
export const sourcesIn = (folders) =>
  folders.flatMap((folder) =>
    readdirSync(join(TOP, folder), { recursive: true })
      .filter(
        (name) => /(?<!\.spec|\.d)\.(ts|mjs)$/.test(name) && !/^consumers|node_modules/.test(name),
      )
      .map((name) => join(folder, name)),
  );

/** Those whose target is not of their last change. */
export const changedOf = (sources, targetOf) =>
  sources.filter(
    (source) =>
      statSync(join(TOP, source)).mtime.getTime() !==
      statSync(targetOf(source), { throwIfNoEntry: false })?.mtime.getTime(),
  );

/** Whole at once, and as old as its source. */
export function keep(source, target, text) {
  const { atime, mtime } = statSync(join(TOP, source));
  const draft = `${target}.${process.pid}`;
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(draft, text);
  utimesSync(draft, atime, mtime);
  renameSync(draft, target);
}

/** The options of swc.config.js for one file, with no other configuration. Jest's transformer adds to the object that it was given. */
export async function swcOptions(more) {
  const { default: swc } = await import('../../swc.config.js?as-written');
  return { ...swc, swcrc: false, configFile: false, ...more };
}
