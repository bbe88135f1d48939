import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import swc from '../../swc.config.js';
import { SOURCES } from './sources.mjs';

const CACHE = join(tmpdir(), `simple-queue-compiled-${process.getuid?.() ?? ''}`);

const URLS = Object.fromEntries(
  SOURCES.map(([name, source]) => [name, new URL(`../../${source}`, import.meta.url).href]),
);

export function resolve(specifier, context, next) {
  return next(URLS[specifier] ?? sourceOf(specifier, context.parentURL) ?? specifier, context);
}

/** `./job.js` in a source means `./job.ts`. */
function sourceOf(specifier, parent) {
  if (!/^\.{1,2}\/.*\.js$/.test(specifier)) return undefined;
  const source = new URL(specifier.replace(/\.js$/, '.ts'), parent);
  return existsSync(source) ? source.href : undefined;
}

/** A hundred processes of one run load the same files: each is compiled once, until it changes. */
export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const path = fileURLToPath(url);
  const { mtimeMs, size } = statSync(path);
  const key = createHash('sha256').update(JSON.stringify([path, mtimeMs, size, swc]));
  const kept = join(CACHE, `${key.digest('hex')}.js`);
  const source = await readFile(kept, 'utf8').catch(() => compiled(path, kept));
  return { format: 'module', source, shortCircuit: true };
}

async function compiled(path, kept) {
  const { transformFile } = await import('@swc/core');
  const options = { ...swc, swcrc: false, configFile: false, sourceMaps: 'inline' };
  const { code } = await transformFile(path, options);
  const draft = `${kept}.${process.pid}`;
  await mkdir(CACHE, { recursive: true });
  await writeFile(draft, code);
  await rename(draft, kept);
  return code;
}
