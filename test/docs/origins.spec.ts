import { expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { read, REPOSITORY, tableUnder } from './documents.js';

const ORIGINS = 'docs/origins.md';

it.each(tableUnder(ORIGINS, 'Faults, each with its test'))(
  '"%s" is kept away by a test of that name',
  (_, file, name) => {
    expect(read(`test/${file}`)).toContain(name);
  },
);

it('names no spec that does not exist', () => {
  const named = [...read(ORIGINS).matchAll(/`([a-z]+\/[a-z0-9.-]+\.ts)`/g)].map(
    ([, file]) => file!,
  );
  expect(named.filter((file) => !existsSync(join(REPOSITORY, 'test', file)))).toEqual([]);
});
