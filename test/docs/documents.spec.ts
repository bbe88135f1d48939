import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DOCUMENTS, headingsOf, linksIn, read, REPOSITORY } from './documents.js';
import { examplesIn, withExamples } from './quotes.js';

describe.each(DOCUMENTS)('%s', (path) => {
  it('quotes its examples as they run', () => {
    // After a change of an example: node --import ./test/support/typescript.mjs test/docs/quote-examples.mjs
    expect(read(path)).toBe(withExamples(read(path)));
  });

  it('links to what exists', () => {
    const dead = linksIn(path).filter(({ file, heading }) => {
      if (!existsSync(join(REPOSITORY, file))) return true;
      return heading !== undefined && !headingsOf(file).includes(heading);
    });
    expect(dead).toEqual([]);
  });
});

it('quotes every example somewhere, or links to it', () => {
  const linked = DOCUMENTS.flatMap((path) => linksIn(path)).map(({ file }) => basename(file));
  const examples = DOCUMENTS.flatMap((path) => examplesIn(read(path)));
  const quoted = [...examples.map((each) => each.split('#')[0]!), ...linked];
  const files = readdirSync(join(REPOSITORY, 'test/examples')).filter(
    (file) => !file.endsWith('.spec.ts'),
  );
  expect(files.filter((file) => !quoted.includes(file))).toEqual([]);
});

it.each([
  ['README.md', 200],
  ['CONTRIBUTING.md', 80],
  ...DOCUMENTS.filter((path) => path.startsWith('docs/adr/')).map((path): [string, number] => [
    path,
    60,
  ]),
])('%s has at most %d lines', (path, lines) => {
  expect(read(path).trimEnd().split('\n').length).toBeLessThanOrEqual(lines);
});
