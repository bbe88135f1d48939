import { existsSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, relative } from 'node:path';
import { TOP } from './kept.mjs';
import { doorOf } from './library.mjs';
import { SOURCES } from './sources.mjs';

const OURS = new Map(SOURCES.map(([name, source]) => [name, join(TOP, source)]));
const TOGETHER = JSON.parse(readFileSync(join(process.env.SQ_TEST_PACKAGES, 'paths.json'), 'utf8'));

/**
 * How Jest finds a module. In place of a `moduleNameMapper`, whose patterns are tried at each of the 5,000 imports of a test file: what this
 * has found is kept for all files of a worker.
 */
export default function resolve(request, { basedir, defaultResolver, ...options }) {
  if (isBuiltin(request)) return request;
  const ours = OURS.get(request) ?? sourceOf(request, basedir);
  if (ours) return (runsTests() && doorOf(relative(TOP, ours))) || ours;
  const path = defaultResolver(request, { basedir, ...options });
  return TOGETHER[path] ?? path;
}

/** Who only asks what a test depends on needs the source itself. */
const runsTests = () => process.env.JEST_WORKER_ID !== undefined;

/** `./job.js` in a source means `./job.ts`. */
function sourceOf(request, folder) {
  if (!/^\.{1,2}\/.*\.js$/.test(request) || folder.includes('/node_modules/')) return undefined;
  const source = join(folder, request.replace(/\.js$/, '.ts'));
  return existsSync(source) ? source : undefined;
}
