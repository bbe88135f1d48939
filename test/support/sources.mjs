import { readFileSync } from 'node:fs';

const { compilerOptions } = JSON.parse(
  readFileSync(new URL('../../tsconfig.json', import.meta.url), 'utf8'),
);

/** Where the source of each path that applications import is, from the top of the repository: as the compiler has it. */
export const SOURCES = Object.entries(compilerOptions.paths).map(([name, [source]]) => [
  name,
  source.replace('./', ''),
]);
