// Prints how long the functions of lib/ and migrations/ are, in lines: the median, which may be 6, the ninth of ten, and the longest.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const sources = ['lib', 'migrations'].flatMap((room) =>
  readdirSync(room, { recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(room, name)),
);

function functionsOf(path) {
  const source = ts.createSourceFile(
    path,
    readFileSync(path, 'utf8'),
    ts.ScriptTarget.ES2022,
    true,
  );
  const found = [];
  const lineOf = (position) => source.getLineAndCharacterOfPosition(position).line + 1;
  const visit = (node) => {
    if (ts.isFunctionLike(node) && node.body && ts.isBlock(node.body)) {
      const line = lineOf(node.getStart());
      found.push({ lines: lineOf(node.end) - line + 1, where: `${path}:${line}` });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const functions = sources.flatMap(functionsOf).sort((a, b) => a.lines - b.lines);
const at = (share) => functions[Math.floor((functions.length - 1) * share)];
console.log(
  `${functions.length} functions in ${sources.length} files: median ${at(0.5).lines} lines, p90 ${at(0.9).lines}, longest ${at(1).lines} (${at(1).where})`,
);
if (at(0.5).lines > 6) throw new Error('Half of the functions have more than 6 lines.');
