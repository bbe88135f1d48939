import ts from 'typescript';
import { read } from './documents.js';

/** `<!-- example: file.ts#region -->`, a block of code, and the mark that ends it. */
const QUOTE = /<!-- example: (\S+?)(?:#(\S+))? -->\n[\s\S]*?<!-- \/example -->/g;

const WIDTH = 100;

/** The document with every quoted example as its file in test/examples has it. */
export function withExamples(markdown: string): string {
  return markdown.replaceAll(QUOTE, (_, file: string, region?: string) => {
    const code = exampleText(file, region);
    return `<!-- example: ${file}${region ? `#${region}` : ''} -->\n\`\`\`ts\n${code}\n\`\`\`\n<!-- /example -->`;
  });
}

/** Which examples a document quotes: `file` or `file#region`. */
export function examplesIn(markdown: string): string[] {
  return [...markdown.matchAll(QUOTE)].map(
    ([, file, region]) => file! + (region ? `#${region}` : ''),
  );
}

/** The file, or the parts between `// #region name` and `// #endregion` under the imports that they need. */
function exampleText(file: string, region?: string): string {
  const source = read(`test/examples/${file}`);
  if (region === undefined) return source.trim();
  const found = [
    ...source.matchAll(/^ *\/\/ #region (\S+)\n([\s\S]*?)^ *\/\/ #endregion$/gm),
  ].filter(([, name]) => name === region);
  if (found.length === 0) throw new Error(`There is no region "${region}" in ${file}.`);
  const parts = found.map(({ index, 0: whole }) => ({ start: index, end: index + whole.length }));
  const imports = importsOf(ts.createSourceFile(file, source, ts.ScriptTarget.ES2022, true), parts);
  const text = unindented(
    found
      .map(([, , code]) => code!)
      .join('')
      .trimEnd(),
  );
  return imports.length > 0 ? `${imports.join('\n')}\n\n${text}` : text;
}

/** The imports of a file that stand outside some parts of it, reduced to what is used within. */
function importsOf(source: ts.SourceFile, parts: { start: number; end: number }[]): string[] {
  const used = new Set<string>();
  const isWithin = (node: ts.Node): boolean =>
    parts.some(({ start, end }) => node.getStart(source) >= start && node.end <= end);
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && isWithin(node)) used.add(node.text);
    ts.forEachChild(node, visit);
  };
  const [imports, rest] = [
    source.statements.filter(ts.isImportDeclaration),
    source.statements.filter((each) => !ts.isImportDeclaration(each)),
  ];
  rest.forEach(visit);
  const outside = imports.filter((declared) => !isWithin(declared));
  return outside.flatMap((declared) => reduced(declared, used));
}

function reduced(
  { importClause, moduleSpecifier }: ts.ImportDeclaration,
  used: Set<string>,
): string[] {
  const { name, namedBindings, phaseModifier } = importClause!;
  const elements =
    namedBindings && ts.isNamedImports(namedBindings) ? [...namedBindings.elements] : [];
  const named = elements.filter((element) => used.has(element.name.text));
  const whole = name && used.has(name.text) ? [name.text] : [];
  if (named.length + whole.length === 0) return [];
  const isType =
    phaseModifier === ts.SyntaxKind.TypeKeyword ||
    (named.length > 0 && whole.length === 0 && named.every((each) => each.isTypeOnly));
  const names = named.map((element) =>
    isType ? element.getText().replace(/^type /, '') : element.getText(),
  );
  return [importText(isType ? 'import type' : 'import', whole, names, moduleSpecifier.getText())];
}

function importText(keyword: string, whole: string[], names: string[], from: string): string {
  const listed = names.length > 0 ? [`{ ${names.join(', ')} }`] : [];
  const line = `${keyword} ${[...whole, ...listed].join(', ')} from ${from};`;
  if (line.length <= WIDTH) return line;
  return `${keyword} {\n${names.map((name) => `  ${name},\n`).join('')}} from ${from};`;
}

function unindented(text: string): string {
  const lines = text.split('\n');
  const depth = Math.min(...lines.filter((line) => line.trim()).map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(depth)).join('\n');
}
