import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';

export const REPOSITORY = resolve(import.meta.dirname, '../..');

/** The documents that people write, by their path from the repository's root; docs/api is made from docstrings. */
export const DOCUMENTS = [...markdownIn('.'), ...markdownIn('docs', { recursive: true })]
  .filter((path) => !path.startsWith('docs/api/'))
  .sort();

function markdownIn(folder: string, options?: { recursive: true }): string[] {
  const files = readdirSync(join(REPOSITORY, folder), { ...options, encoding: 'utf8' });
  return files.filter((file) => file.endsWith('.md')).map((file) => join(folder, file));
}

export const read = (path: string): string => readFileSync(join(REPOSITORY, path), 'utf8');

/** Links of a document to files of this repository, as paths from its root, with the heading they name. */
export function linksIn(path: string): { file: string; heading?: string }[] {
  const prose = read(path).replaceAll(/^```[\s\S]*?^```$/gm, '');
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = '', heading] = target.split('#');
      return { file: file ? join(dirname(path), file) : path, heading };
    });
}

/** What GitHub makes of a document's headings. */
export function headingsOf(path: string): string[] {
  const headings = [...read(path).matchAll(/^#+ (.+)$/gm)].map(([, text]) => text!);
  return headings.map((text) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** The rows of the table under a heading: cells without their backticks. */
export function tableUnder(path: string, heading: string): string[][] {
  const [, section = ''] = read(path).split(new RegExp(`^#+ ${heading}$`, 'm'));
  const rows = section
    .split(/^#/m)[0]!
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2);
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll('\\|', '|').replaceAll('`', '')),
  );
}

export const sourceOf = (file: string): ts.SourceFile =>
  ts.createSourceFile(file, read(file), ts.ScriptTarget.ES2022, true);

const declarations = (file: string): ts.Statement[] => [...sourceOf(file).statements];

/** The members that an interface or a class declares itself; of a class without what is private. */
export function membersOf(file: string, name: string): string[] {
  const found = declarations(file)
    .filter((each) => ts.isInterfaceDeclaration(each) || ts.isClassDeclaration(each))
    .find((declared) => declared.name?.text === name);
  if (!found) throw new Error(`There is no interface or class ${name} in ${file}.`);
  const hidden = (member: ts.Declaration) =>
    (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private) > 0;
  return [...found.members]
    .filter((member) => member.name && !hidden(member))
    .map((member) => (member.name as ts.Identifier).text);
}

/** The words of a union of literals. */
export function wordsOf(file: string, name: string): string[] {
  const found = declarations(file)
    .filter(ts.isTypeAliasDeclaration)
    .find((declared) => declared.name.text === name);
  if (!found || !ts.isUnionTypeNode(found.type))
    throw new Error(`There is no union ${name} in ${file}.`);
  return found.type.types
    .filter(ts.isLiteralTypeNode)
    .map(({ literal }) => (literal as ts.StringLiteral).text);
}
