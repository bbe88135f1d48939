import { expect, it } from '@jest/globals';
import { readdirSync } from 'node:fs';
import ts from 'typescript';
import { DOCUMENTS, read, sourceOf, tableUnder } from './documents.js';

/** The left column of the table in CONTRIBUTING: words of a dialect, where the right one has those of the field. */
const avoided = tableUnder('CONTRIBUTING.md', 'Plain words').flatMap(([words]) =>
  words!.split(', '),
);
const AVOIDED = new RegExp(`\\b(${avoided.join('|')})\\b`, 'gi');

/** CONTRIBUTING has the table. */
const WRITTEN = DOCUMENTS.filter(
  (path) => !path.startsWith('docs/sql/') && path !== 'CONTRIBUTING.md',
);

it.each(WRITTEN)('%s is written in plain words', (path) => {
  const text = read(path).replaceAll(/\]\([^)]*\)/g, ']');
  expect(text.match(AVOIDED) ?? []).toEqual([]);
});

it('speaks in plain words: errors, the log, the command line, the doctor', () => {
  const spoken = readdirSync('lib', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.sql.ts'))
    .flatMap((file) => sentencesOf(`lib/${file}`));
  expect(spoken.length).toBeGreaterThan(500);
  expect(spoken.filter((text) => text.search(AVOIDED) >= 0)).toEqual([]);
});

/** Texts of a source with a space in them: what a person may read. */
function sentencesOf(file: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (isText(node) && node.text.includes(' ')) found.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(sourceOf(file));
  return found;
}

const isText = (node: ts.Node): node is ts.LiteralLikeNode =>
  ts.isStringLiteralLike(node) ||
  ts.isTemplateHead(node) ||
  ts.isTemplateMiddle(node) ||
  ts.isTemplateTail(node);
