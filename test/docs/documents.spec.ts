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

/**
 * What people write in README and docs, without examples and without what a program writes (docs/api, docs/sql, the lab book of the
 * bench). A page that says something again is shorter as a link.
 */
// Schedules took 2,000 of them: a guide, a page for those who come from a cron, two decisions. Looking took 1,500: a guide, decisions. What
// waits for a person took 300: a decision, filters. Progress took 700: a guide, a decision. Workflows took
// 1,600: a guide, two decisions.
// The dashboard took 1,300: a guide with logins and permissions, a decision.
// The pull contract on Redis took 1,050: a guide with what each of three stores promises, and a decision.
// Limits per key took 1,200: a guide, a decision, rows of lists.
// The figures of looks took 250.
// Who did what took 750: a guide, a decision.
// Outcomes as jobs took 900: a guide, a decision, rows of lists.
// Sagas took 1,150: a guide, a decision, rows of lists.
// The store for bad days took 1,450: a guide of 900, a decision, rows of lists, figures.
// Batches and added steps took 1,050: a guide, a decision.
// Steps whose jobs are gone, and who runs a step again, took 450: a decision, rows of lists.
// Limits that are taken away, and what a key does not do, took 500: a decision, rows of lists.
const BUDGET = 56_700;
const GENERATED = /^docs\/(sql\/|benchmarks\.md$)/;
const COUNTED = DOCUMENTS.filter(
  (path) => path === 'README.md' || (path.startsWith('docs/') && !GENERATED.test(path)),
);

it(`has at most ${BUDGET.toLocaleString('en-US')} words in README and docs`, () => {
  expect(COUNTED.map(wordsIn).reduce((sum, words) => sum + words)).toBeLessThanOrEqual(BUDGET);
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
