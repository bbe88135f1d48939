import { expect, it } from '@jest/globals';
import ts from 'typescript';
import { allCommands } from '../support/cli-commands.js';
import { DOCUMENTS, read, tableUnder } from './documents.js';
import { commentsIn, nodesIn } from './sources.js';

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
  const spoken = nodesIn('lib', isText)
    .map(({ text }) => text)
    .filter((text) => text.includes(' '));
  expect(spoken.length).toBeGreaterThan(500);
  expect(spoken.filter((text) => text.search(AVOIDED) >= 0)).toEqual([]);
});

it('comments in plain words', () => {
  // A thing may stand for another, and decisions are files of their names.
  const said = ['lib', 'migrations', 'dashboard'].flatMap(commentsIn);
  const plain = (text: string) => text.replaceAll(/stands for|[\w/-]+\.md|`[^`]*`/g, '');
  expect(said.length).toBeGreaterThan(4_000);
  // 430 had them once; whoever changes one of the rest leaves it plain, and makes this number smaller.
  expect(said.filter((text) => plain(text).search(AVOIDED) >= 0).length).toBeLessThan(100);
});

/** Whoever copies it from here runs it in a project: without `npx` no shell finds it, without `--no` npx may find a package that is not ours. */
it('prints each command as it is typed in a project', () => {
  const commands = allCommands().map(({ path }) => path.split(' ')[0]!);
  const bare = new RegExp(
    `(?<!npx --no |nestjs-simple-queue )(?<![\\w-])simple-queue (${commands.join('|')}|<)(?![\\w-])`,
  );
  const pages = WRITTEN.filter(
    (path) => !/^(CHANGELOG|docs\/(adr\/|architecture|glossary))/.test(path),
  );
  const said = [...pages.map(read), ...nodesIn('lib', isText).map(({ text }) => text)];
  expect(said.flatMap((text) => text.match(bare) ?? [])).toEqual([]);
});

const isText = (node: ts.Node): node is ts.LiteralLikeNode =>
  ts.isStringLiteralLike(node) ||
  ts.isTemplateHead(node) ||
  ts.isTemplateMiddle(node) ||
  ts.isTemplateTail(node);
