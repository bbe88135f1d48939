// Leaves of the built declarations what the doors lead to: the rest of each file is of no use to anybody who has the package.
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import ts from 'typescript';

const { exports } = JSON.parse(readFileSync('package.json', 'utf8'));
const doors = Object.values(exports).flatMap(({ types }) => types ?? []);
const program = ts.createProgram(doors, { module: ts.ModuleKind.NodeNext, skipLibCheck: true });
const checker = program.getTypeChecker();
const files = program
  .getSourceFiles()
  .filter(({ fileName }) => resolve(fileName).startsWith(resolve('dist')));
const kept = new Set();

for (const door of doors) follow(program.getSourceFile(door));
for (const file of files) if (!isDoor(file)) prune(file);

function follow(node) {
  if (ts.isIdentifier(node)) keep(checker.getSymbolAtLocation(node));
  if (ts.isImportTypeNode(node)) keep(checker.getSymbolAtLocation(node.qualifier ?? node));
  ts.forEachChild(node, follow);
}

/** The statement that declares it, with all that it names. */
function keep(symbol) {
  if (!symbol) return;
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  for (const declaration of [...(symbol.declarations ?? []), ...(target.declarations ?? [])]) {
    const statement = ts.findAncestor(
      declaration,
      ({ parent }) => parent && ts.isSourceFile(parent),
    );
    if (!statement || kept.has(statement) || !files.includes(statement.parent)) continue;
    kept.add(statement);
    if (!ts.isImportDeclaration(statement)) follow(statement);
  }
}

function isDoor({ fileName }) {
  return doors.some((door) => resolve(door) === resolve(fileName));
}

function prune(file) {
  const left = file.statements.filter((statement) => kept.has(statement) || isBare(statement));
  const used = new Set();
  const note = (node) => {
    if (ts.isIdentifier(node)) used.add(node.text);
    ts.forEachChild(node, note);
  };
  for (const statement of left) if (!ts.isImportDeclaration(statement)) note(statement);
  const text = left.map((statement) => textOf(statement, used)).join('');
  // What else brought Node's types along may be gone, and a compiler may load none by itself.
  const head = used.has('Buffer') ? '/// <reference types="node" />\n' : '';
  writeFileSync(file.fileName, `${head}${indented(text.trim())}\n`);
}

/** With tabs: 7 KiB of what is installed were spaces before declarations. */
function indented(text) {
  return text.replace(/^(?: {4})+/gm, (spaces) => '\t'.repeat(spaces.length / 4));
}

/** `export {}`, which makes a module of a file. */
function isBare(statement) {
  return ts.isExportDeclaration(statement);
}

function textOf(statement, used) {
  const bindings = statement.importClause?.namedBindings;
  if (!bindings || !ts.isNamedImports(bindings)) return declarationOf(statement);
  const names = bindings.elements.filter(({ name }) => used.has(name.text));
  if (names.length === bindings.elements.length) return statement.getFullText();
  const type = statement.importClause.isTypeOnly ? 'type ' : '';
  const list = names.map((name) => name.getText()).join(', ');
  return names.length > 0
    ? `\nimport ${type}{ ${list} } from ${statement.moduleSpecifier.getText()};`
    : '';
}

/**
 * Of private members one, without what is said of it: it makes another class no substitute, and users see no more of them. A private constructor stays, too.
 */
function declarationOf(statement) {
  const hidden = (statement.members ?? []).filter(({ modifiers }) =>
    modifiers?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword),
  );
  const [shown] = hidden.filter((member) => !ts.isConstructorDeclaration(member));
  const text = statement.getFullText();
  return hidden.reduceRight((left, member) => {
    const stays = member === shown || ts.isConstructorDeclaration(member);
    const ends = [member.getFullStart(), stays ? member.getStart() : member.end];
    const [from, to] = ends.map((at) => at - statement.pos);
    return `${left.slice(0, from)}${stays ? '\n    ' : ''}${left.slice(to)}`;
  }, text);
}
