// Joins the pruned declarations into one file that the doors name: imports between a hundred files were 20 KiB of what is installed.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import ts from 'typescript';
import { withUndefined } from './with-undefined.mjs';

const MERGED = 'dist/lib/types.d.ts';
const { exports } = JSON.parse(readFileSync('package.json', 'utf8'));
const doors = Object.values(exports).flatMap(({ types }) => types ?? []);
const program = ts.createProgram(doors, { module: ts.ModuleKind.NodeNext, skipLibCheck: true });
const checker = program.getTypeChecker();
const isDoor = ({ fileName }) => doors.some((door) => resolve(door) === resolve(fileName));
const files = program
  .getSourceFiles()
  .filter(({ fileName }) => resolve(fileName).startsWith(resolve('dist')));
const parts = files.filter((file) => !isDoor(file));

/** What each name means: the same everywhere, or the joined file would mean something else. */
const names = new Map();
/** By its module: what is imported of a package. */
const imports = new Map();

for (const statement of parts.flatMap((file) => file.statements)) {
  for (const name of namesOf(statement)) declare(name, statement);
  if (ts.isImportDeclaration(statement)) noteImport(statement);
}
for (const part of parts) checkNames(part);
const declarations = parts.flatMap((file) => file.statements.filter(isDeclaration));
const head = [...imports].map(([from, list]) => `import type { ${[...list].sort().join(', ')} } from '${from}';\n`); // prettier-ignore
const loose = 'type Loose<T> = { [K in keyof T]?: T[K]|undefined };';
const body = inFewLines(declarations.map((statement) => withUndefined(statement)).join('')).replace(
  / \| (undefined|null)\b/g,
  '|$1',
);
writeFileSync(MERGED, `/// <reference types="node" />\n${head.join('')}${loose}\n${body.trim()}\n`);
for (const file of files.filter(isDoor)) writeFileSync(file.fileName, textOfDoor(file));

/** Comments whose lines are one text to whoever reads them in an editor; a tag begins a line. */
function inFewLines(text) {
  return text.replaceAll(
    /^([\t ]*)\/\*\*\n((?:[\t ]*\*(?!\/).*\n)+)[\t ]*\*\//gm,
    (all, indent, inner) => {
      const lines = inner.trimEnd().split('\n').map((line) => line.replace(/^[\t ]*\* ?/, '').trimEnd()); // prettier-ignore
      if (lines.some((line) => /^([-*|]|```|\d+\.|$)/.test(line))) return all;
      const [first, ...rest] = lines.join(' ').split(/ (?=@[a-z]+ )/);
      const tags = rest.map((tag) => `\n${indent} * ${tag}`).join('');
      return `${indent}/** ${first}${tags} */`;
    },
  );
}

function namesOf(statement) {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map(({ name }) => name.text);
  return statement.name ? [statement.name.text] : [];
}

function declare(name, statement) {
  const known = names.get(name);
  // Overloads of a function, and an interface beside a class, stand in one file.
  if (known && known.parent !== statement.parent)
    throw new Error(`${name} is declared in ${known.parent.fileName} and ${statement.parent.fileName}: rename one.`); // prettier-ignore
  names.set(name, statement);
}

function noteImport({ importClause, moduleSpecifier }) {
  const elements = importClause?.namedBindings?.elements;
  if (!elements || elements.some(({ propertyName }) => propertyName))
    throw new Error(`Import names as they are: ${moduleSpecifier.parent.getText()}`);
  const from = moduleSpecifier.text;
  if (from.startsWith('.')) return;
  const list = imports.get(from) ?? new Set();
  for (const { name } of elements) list.add(name.text);
  imports.set(from, list);
}

/** A name of TypeScript's own, or of a package, that another file declares for itself. */
function checkNames(node) {
  if (ts.isIdentifier(node) && names.has(node.text) && isForeign(node))
    throw new Error(`${node.text} means something else in ${node.getSourceFile().fileName}.`);
  ts.forEachChild(node, checkNames);
}

function isForeign(node) {
  const symbol = checker.getSymbolAtLocation(node);
  const target =
    symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const isMember = ts.isQualifiedName(node.parent) || ts.isImportTypeNode(node.parent);
  const [declared] = target?.declarations ?? [];
  return Boolean(
    !isMember && declared && ts.isSourceFile(declared.parent) && !files.includes(declared.parent),
  );
}

function isDeclaration(statement) {
  return !ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement);
}

/** One list of what it passes on, in place of a line per file. */
function textOfDoor(file) {
  const values = [];
  const types = [];
  const imported = new Set();
  for (const statement of file.statements) {
    const clause = statement.exportClause ?? statement.importClause?.namedBindings;
    if (!statement.moduleSpecifier?.text.startsWith('.')) continue;
    const list = clause.elements.map((element) => element.getText().replace(/^type /, ''));
    const isType = (at) => statement.isTypeOnly || clause.elements[at].isTypeOnly;
    if (ts.isImportDeclaration(statement)) list.forEach((name) => imported.add(name));
    else list.forEach((name, at) => (isType(at) ? types : values).push(name));
  }
  const from = `'${pathFrom(file)}'`;
  const line = (words, list) => (list.length > 0 ? `${words} { ${list.join(', ')} } from ${from};\n` : ''); // prettier-ignore
  const passed = `${line('import type', [...imported])}${line('export', values)}${line('export type', types)}`;
  const [first] = file.statements;
  const said = file.text.slice(0, first.getStart());
  const own = file.statements
    .filter(({ moduleSpecifier }) => !moduleSpecifier?.text.startsWith('.'))
    .map((statement) => withUndefined(statement, statement === first ? first.getStart() : undefined)); // prettier-ignore
  return `${said}${passed}${own.join('')}`;
}

function pathFrom({ fileName }) {
  const path = relative(dirname(resolve(fileName)), resolve(MERGED)).replace('.d.ts', '.js');
  return path.startsWith('.') ? path : `./${path}`;
}
