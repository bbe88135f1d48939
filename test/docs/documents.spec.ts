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
  const files = readdirSync(join(REPOSITORY, 'test/examples'), {
    recursive: true,
    encoding: 'utf8',
  }).filter((file) => /(?<!\.spec)\.ts$/.test(file));
  expect(files.filter((file) => !quoted.includes(file))).toEqual([]);
});

/**
 * What people write, in words: without examples and without what a program writes (docs/api, docs/sql, the lab book of the bench). A page
 * that says something again is shorter as a link.
 */
const USERS = /^(README\.md|docs\/(learn|operate|reference|move)\/.*)$/;
const MAINTAINERS = /^docs\/(adr\/.*|architecture\.md|glossary\.md|origins\.md)$/;
const GENERATED = /^docs\/(sql\/|benchmarks\.md$)/;
const COUNTED = DOCUMENTS.filter((path) => USERS.test(path) || MAINTAINERS.test(path));

it.each([
  ['users', USERS, 40_000],
  ['maintainers', MAINTAINERS, 20_200],
])('%s have %s to read, at most %d words', (_, readers, budget) => {
  const pages = COUNTED.filter((path) => readers.test(path));
  expect(pages.map(wordsIn).reduce((sum, words) => sum + words)).toBeLessThanOrEqual(budget);
});

it('knows for whom each page is', () => {
  const pages = DOCUMENTS.filter((path) => path.startsWith('docs/') && !GENERATED.test(path));
  expect(pages.filter((path) => !COUNTED.includes(path))).toEqual([]);
});

/** A word has a letter or a digit: the bars of a table are none. */
const wordsIn = (path: string): number =>
  withoutCode(read(path))
    .split(/\s+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word)).length;

it('says nothing twice: no example, and no long sentence', () => {
  expect(repeated(COUNTED.flatMap((path) => examplesIn(read(path))))).toEqual([]);
  expect(repeated(COUNTED.flatMap(sentencesIn))).toEqual([]);
});

const withoutCode = (text: string): string => text.replaceAll(/^```[\s\S]*?^```$/gm, '');

const repeated = (texts: string[]): string[] => [
  ...new Set(texts.filter((text, index) => texts.indexOf(text) < index)),
];

/** Sentences and cells of ten words and more. */
const sentencesIn = (path: string): string[] =>
  withoutCode(read(path))
    .replaceAll(/\n(?![\n|#-])/g, ' ')
    .split(/\n|\||(?<=[.:;]) /)
    .map((text) => text.trim())
    .filter((text) => text.split(' ').length >= 10);

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
