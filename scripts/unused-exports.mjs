// Prints what lib/ and migrations/ export though no other file imports it, and then fails: a name is shared only when somebody needs it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';

const CHECKED = ['lib', 'migrations'];
const READERS = [...CHECKED, 'dashboard', 'test', 'sample', 'scripts', 'bench'];
const ALL = '*';

const sourcesIn = (room) =>
  !existsSync(room)
    ? []
    : readdirSync(room, { recursive: true })
        .filter((name) => /\.(tsx?|js|mjs)$/.test(name) && !name.includes('node_modules'))
        .map((name) => join(room, name));

const statementsOf = (path) =>
  ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2022).statements;

/** Names that a file takes from others of ours: [file, name]. */
function* takenBy(path) {
  const target = (specifier) => join(dirname(path), specifier).replace(/\.js$/, '.ts');
  for (const [, specifier] of readFileSync(path, 'utf8').matchAll(/import\(\s*'(\.[^']+)'/g))
    yield [target(specifier), ALL];
  for (const { moduleSpecifier, importClause, exportClause } of statementsOf(path)) {
    if (!moduleSpecifier?.text.startsWith('.')) continue;
    const named = (importClause?.namedBindings ?? exportClause)?.elements;
    if (!named) yield [target(moduleSpecifier.text), ALL];
    for (const { propertyName, name } of named ?? [])
      yield [target(moduleSpecifier.text), (propertyName ?? name).text];
  }
}

function namesOf({ name }) {
  return ts.isIdentifier(name) ? [name.text] : name.elements.flatMap(namesOf);
}

/** Names that a file declares for others. */
function* givenBy(path) {
  for (const statement of statementsOf(path)) {
    if (!statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) continue;
    for (const declaration of statement.declarationList?.declarations ?? [statement])
      yield* namesOf(declaration);
  }
}

const { exports: published } = JSON.parse(readFileSync('package.json', 'utf8'));
const doors = Object.values(published).map((door) =>
  door.default?.replace(/^\.\/dist\/(.*)\.js$/, '$1.ts'),
);
const taken = new Set(
  READERS.flatMap(sourcesIn).flatMap((path) => [...takenBy(path)].map((pair) => pair.join(' '))),
);

const unused = CHECKED.flatMap(sourcesIn)
  .filter((path) => !doors.includes(path) && !taken.has(`${path} ${ALL}`))
  .flatMap((path) =>
    [...givenBy(path)]
      .filter((name) => !taken.has(`${path} ${name}`))
      .map((name) => `${path}: ${name}`),
  );

for (const line of unused) console.error(`${line} is exported, and no other file imports it.`);
process.exitCode = unused.length > 0 ? 1 : 0;
