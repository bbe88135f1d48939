import { expect, it } from '@jest/globals';
import { join } from 'node:path';
import ts from 'typescript';
import { sourceOf } from './documents.js';

/** What a public entry point names: from another file, or its own. */
function exportsOf(entry: string): [file: string, name: string][] {
  return sourceOf(entry).statements.flatMap((statement): [string, string][] => {
    if (!ts.isExportDeclaration(statement))
      return declaredIn(statement).map((name) => [entry, name]);
    if (!statement.exportClause || !ts.isNamedExports(statement.exportClause)) return [];
    const from = (statement.moduleSpecifier as ts.StringLiteral).text.replace(/\.js$/, '.ts');
    const file = join(entry, '..', from);
    return statement.exportClause.elements.map(({ name, propertyName }) => [
      file,
      (propertyName ?? name).text,
    ]);
  });
}

function declaredIn(statement: ts.Statement): string[] {
  if (!ts.canHaveModifiers(statement)) return [];
  if (!ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword))
    return [];
  return namesOf(statement);
}

function namesOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  const { name } = statement as ts.DeclarationStatement;
  return name ? [name.getText()] : [];
}

/** An overloaded function is documented where any of its signatures is. */
const isDocumented = ([file, name]: [string, string]): boolean =>
  sourceOf(file).statements.some(
    (statement) =>
      namesOf(statement).includes(name) && ts.getJSDocCommentsAndTags(statement).length > 0,
  );

it.each([
  'lib/index.ts',
  'lib/testing/testing.ts',
  'lib/opentelemetry/opentelemetry.ts',
  'migrations/migrations.ts',
])('%s exports nothing without a docstring', (entry) => {
  const exported = exportsOf(entry);
  expect(exported).not.toEqual([]);
  expect(exported.filter((each) => !isDocumented(each))).toEqual([]);
});
