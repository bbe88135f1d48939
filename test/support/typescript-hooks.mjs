import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { transformFile } from '@swc/core';
import swc from '../../swc.config.js';

const SOURCES = {
  'nestjs-simple-queue': new URL('../../lib/index.ts', import.meta.url).href,
  'nestjs-simple-queue/admin': new URL('../../lib/admin.ts', import.meta.url).href,
  'nestjs-simple-queue/pull': new URL('../../lib/pull.ts', import.meta.url).href,
  'nestjs-simple-queue/testing': new URL('../../lib/testing/testing.ts', import.meta.url).href,
  'nestjs-simple-queue/dashboard': new URL('../../lib/dashboard/dashboard.ts', import.meta.url)
    .href,
  'nestjs-simple-queue/schedules': new URL('../../lib/schedules.ts', import.meta.url).href,
  'nestjs-simple-queue/limits': new URL('../../lib/limits.ts', import.meta.url).href,
  'nestjs-simple-queue/redis': new URL('../../lib/redis.ts', import.meta.url).href,
  'nestjs-simple-queue/workflows': new URL('../../lib/workflows.ts', import.meta.url).href,
  'nestjs-simple-queue/telemetry': new URL(
    '../../lib/opentelemetry/opentelemetry.ts',
    import.meta.url,
  ).href,
  'nestjs-simple-queue/migrations': new URL('../../migrations/migrations.ts', import.meta.url).href,
};

export function resolve(specifier, context, next) {
  return next(SOURCES[specifier] ?? sourceOf(specifier, context.parentURL) ?? specifier, context);
}

/** `./job.js` in a source means `./job.ts`. */
function sourceOf(specifier, parent) {
  if (!/^\.{1,2}\/.*\.js$/.test(specifier)) return undefined;
  const source = new URL(specifier.replace(/\.js$/, '.ts'), parent);
  return existsSync(source) ? source.href : undefined;
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const { code } = await transformFile(fileURLToPath(url), {
    ...swc,
    swcrc: false,
    configFile: false,
    sourceMaps: 'inline',
  });
  return { format: 'module', source: code, shortCircuit: true };
}
