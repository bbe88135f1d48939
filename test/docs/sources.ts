import { readdirSync } from 'node:fs';
import ts from 'typescript';
import { read, sourceOf } from './documents.js';

type IsWanted<Node extends ts.Node> = (node: ts.Node) => node is Node;

/** Everything of one kind in the sources of a folder; statements of SQL left out. */
export const nodesIn = <Node extends ts.Node>(folder: string, isWanted: IsWanted<Node>): Node[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.sql.ts'))
    .flatMap((file) => nodesOf(sourceOf(`${folder}/${file}`), isWanted));

/** What is said of the code of a folder, as one text each. */
export const commentsIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file))
    .flatMap((file) => read(`${folder}/${file}`).match(/\/\*\*?[^]*?\*\/|(?<=\s)\/\/ .*/g) ?? [])
    .map((text) => text.replaceAll(/\s*\n\s*\*?\s*/g, ' '));

/** The names that an entry point exports from other files. */
export const exportedBy = (entry: string): string[] =>
  nodesOf(sourceOf(entry), ts.isExportSpecifier).map(({ name }) => name.text);

function nodesOf<Node extends ts.Node>(root: ts.Node, isWanted: IsWanted<Node>): Node[] {
  const found: Node[] = [];
  const visit = (node: ts.Node): void => {
    if (isWanted(node)) found.push(node);
    ts.forEachChild(node, visit);
  };
  visit(root);
  return found;
}
