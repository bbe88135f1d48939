import { existsSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SOURCES } from './sources.mjs';

const TOP = fileURLToPath(new URL('../../', import.meta.url));
const OURS = new Map(SOURCES.map(([name, source]) => [name, join(TOP, source)]));
const TOGETHER = JSON.parse(readFileSync(join(process.env.SQ_TEST_PACKAGES, 'paths.json'), 'utf8'));

/**
 * How Jest finds a module. In place of a `moduleNameMapper`, whose patterns are tried at each of the 5,000 imports of a test file: what this
 * has found is kept for all files of a worker.
 */
export default function resolve(request, { basedir, defaultResolver, ...options }) {
  if (isBuiltin(request)) return request;
  const ours = OURS.get(request) ?? sourceOf(request, basedir);
  if (ours) return ours;
  const path = defaultResolver(request, { basedir, ...options });
  return TOGETHER[path] ?? path;
}

/** `./job.js` in a source means `./job.ts`. */
function sourceOf(request, folder) {
  if (!/^\.{1,2}\/.*\.js$/.test(request) || folder.includes('/node_modules/')) return undefined;
  const source = join(folder, request.replace(/\.js$/, '.ts'));
  return existsSync(source) ? source : undefined;
}
