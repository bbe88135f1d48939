import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Change } from './plan.js';
import { outside, refusal } from './project.js';

/**
 * In their order, so that a second run goes on where one failed. What came into being or changed since the plan was made is left as it is.
 * @throws QueueError `INVALID_OPTION`
 */
export function writeChanges(root: string, changes: readonly Change[]): void {
  for (const { path } of changes) refuseOutside(root, path);
  for (const change of changes) {
    try {
      write(join(root, change.path), change);
    } catch (error) {
      const { errno, code } = error as NodeJS.ErrnoException;
      throw errno
        ? refusal(`${change.path} cannot be written (${code}). Fix that and run it again.`)
        : error;
    }
  }
}

/** Links lead anywhere: what counts is where the file, or the nearest folder that is there, really lies. */
function refuseOutside(root: string, path: string): void {
  let there = join(root, path);
  while (!existsSync(there)) there = dirname(there);
  if (/^\.\.(?!\w)|^[/\\]|^\w:/.test(relative(realpathSync(root), realpathSync(there))))
    throw outside(path);
}

function write(file: string, { path, before, after }: Change): void {
  if (before !== undefined && readFileSync(file, 'utf8') !== before)
    throw refusal(`${path} has changed in the meantime. Run it again.`);
  mkdirSync(dirname(file), { recursive: true });
  // `x`: a file that has come into being is not overwritten.
  writeFileSync(file, after, { flag: before === undefined ? 'wx' : 'w' });
}
