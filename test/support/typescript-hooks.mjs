import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import swc from '../../swc.config.js';
import { SOURCES } from './sources.mjs';

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

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const { transformFile } = await import('@swc/core');
  const options = { ...swc, swcrc: false, configFile: false, sourceMaps: 'inline' };
  const { code } = await transformFile(fileURLToPath(url), options);
  return { format: 'module', source: code, shortCircuit: true };
}
