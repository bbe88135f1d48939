import type ts from 'typescript';
import { edited, indentAt, parsed, type Edit, type TypeScript } from './source-edits.js';

/** What goes into a module: the names to import, by where they come from, and the elements of its `imports`. */
export interface Wanted {
  names: [name: string, from: string][];
  elements: string[];
}

const LINE = 80;

/** The source with the wanted in the `imports` of its one `@Module({ ... })`; undefined where it is written in another way. */
export function withModules(
  typescript: TypeScript,
  text: string,
  wanted: Wanted,
): string | undefined {
  const file = parsed(typescript, text);
  const metadata = file && metadataOf(typescript, file);
  const elements = metadata && intoMetadata(typescript, metadata, wanted.elements);
  const statement = file && intoStatements(typescript, file, wanted.names);
  return elements && statement && edited(text, [...elements, statement]);
}

/** The object that the file's one `@Module` gets. */
function metadataOf(
  typescript: TypeScript,
  file: ts.SourceFile,
): ts.ObjectLiteralExpression | undefined {
  const decorators = file.statements
    .filter(typescript.isClassDeclaration)
    .flatMap((one) => typescript.getDecorators(one) ?? []);
  const calls = decorators.map(({ expression }) => expression).filter(typescript.isCallExpression);
  const [call, ...others] = calls.filter(({ expression }) => expression.getText() === 'Module');
  const [metadata] = call?.arguments ?? [];
  return metadata && others.length === 0 && typescript.isObjectLiteralExpression(metadata)
    ? metadata
    : undefined;
}

function intoMetadata(
  typescript: TypeScript,
  metadata: ts.ObjectLiteralExpression,
  elements: string[],
): Edit[] | undefined {
  const names = metadata.properties.map(({ name }) => name);
  // What is spread or computed may hold imports too.
  if (names.some((name) => !name || typescript.isComputedPropertyName(name))) return undefined;
  const imports =
    metadata.properties[names.findIndex((name) => /^['"]?imports['"]?$/.test(name!.getText()))];
  if (!imports) return asFirst(metadata, `imports: [${elements.join(', ')}]`);
  if (
    !typescript.isPropertyAssignment(imports) ||
    !typescript.isArrayLiteralExpression(imports.initializer)
  )
    return undefined;
  const array = imports.initializer;
  return array.getText().includes('\n')
    ? onOwnLines(typescript, array, elements)
    : inOneLine(array, elements);
}

function asFirst(metadata: ts.ObjectLiteralExpression, property: string): Edit[] | undefined {
  const [first] = metadata.properties;
  const text = metadata.getSourceFile().text;
  const start = metadata.getStart() + 1;
  if (!first)
    return isBlank(text.slice(start, metadata.end - 1))
      ? [{ start, end: metadata.end - 1, text: ` ${property} ` }]
      : undefined;
  const isBelow = text.slice(start, first.getStart()).includes('\n');
  return [
    {
      start,
      end: start,
      text: isBelow ? `\n${indentAt(text, first.getStart())}${property},` : ` ${property},`,
    },
  ];
}

function inOneLine(array: ts.ArrayLiteralExpression, added: string[]): Edit[] | undefined {
  if (!betweenElements(array).every(isBlank)) return undefined;
  const text = array.getSourceFile().text;
  const start = array.getStart();
  const before = start - text.lastIndexOf('\n', start) - 1;
  const elements = [...array.elements.map((element) => element.getFullText().trim()), ...added];
  const line = `[${elements.join(', ')}]`;
  if (before + line.length + 1 <= LINE) return [{ start, end: array.end, text: line }];
  const indent = indentAt(text, start);
  return [
    {
      start,
      end: array.end,
      text: `[\n${elements.map((element) => `${indent}  ${element},\n`).join('')}${indent}]`,
    },
  ];
}

/** What belongs to no element, and would be lost where the line is written again: a comment of the user's. */
function betweenElements(array: ts.ArrayLiteralExpression): string[] {
  const { text } = array.getSourceFile();
  const ends = [array.getStart() + 1, ...array.elements.map(({ end }) => end)];
  const starts = [...array.elements.map((element) => element.getFullStart()), array.end - 1];
  return ends.map((end, at) => text.slice(end, starts[at]));
}

const isBlank = (text: string): boolean => /^[\s,]*$/.test(text);

function onOwnLines(
  typescript: TypeScript,
  array: ts.ArrayLiteralExpression,
  added: string[],
): Edit[] | undefined {
  const { elements } = array;
  const { text } = array.getSourceFile();
  const last = elements.at(-1);
  if (!last) return undefined;
  // A comment on the last element's line stays with it.
  const { end } = elements;
  const behind = typescript.getTrailingCommentRanges(text, end)?.at(-1)?.end ?? end;
  const lines = added.map((element) => `\n${indentAt(text, last.getStart())}${element}`).join(',');
  const kept = text.slice(end, behind);
  return [
    {
      start: end,
      end: behind,
      text: elements.hasTrailingComma ? `${kept}${lines},` : `,${kept}${lines}`,
    },
  ];
}

/** After the last import, and as it is written. */
function intoStatements(
  typescript: TypeScript,
  file: ts.SourceFile,
  names: Wanted['names'],
): Edit | undefined {
  const last = file.statements.filter(typescript.isImportDeclaration).at(-1);
  if (!last) return undefined;
  const quote = last.moduleSpecifier.getText()[0];
  const end = last.getText().endsWith(';') ? ';' : '';
  const lines = names.map(
    ([name, from]) => `\nimport { ${name} } from ${quote}${from}${quote}${end}`,
  );
  return { start: last.end, end: last.end, text: lines.join('') };
}
