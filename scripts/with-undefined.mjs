import ts from 'typescript';

const NEEDS_PARENTHESES = new Set([
  ts.SyntaxKind.FunctionType,
  ts.SyntaxKind.ConstructorType,
  ts.SyntaxKind.ConditionalType,
]);

/**
 * The text of a declaration whose optional members take `undefined` as well: with `exactOptionalPropertyTypes` a caller's `{ delayMs: maybe }` is refused
 * otherwise. Written here, since in the sources it would be a word of every option, and one would be forgotten.
 */
export function withUndefined(statement, start = statement.getFullStart()) {
  const { text } = statement.getSourceFile();
  const edits = [];
  collect(statement, edits);
  let at = start;
  let out = '';
  for (const [place, words, until = place] of edits.sort(([one], [other]) => one - other)) {
    out += text.slice(at, place) + words;
    at = until;
  }
  return out + text.slice(at, statement.end);
}

function collect(node, edits) {
  const isMember = ts.isPropertySignature(node) || ts.isPropertyDeclaration(node) || ts.isMappedTypeNode(node); // prettier-ignore
  if (isMember && node.questionToken && node.type && !hasUndefined(node.type)) {
    const isOpen = NEEDS_PARENTHESES.has(node.type.kind);
    if (isOpen) edits.push([node.type.getStart(), '(']);
    edits.push([node.type.end, isOpen ? ')|undefined' : '|undefined']);
  }
  if (ts.isTypeReferenceNode(node) && node.typeName.getText() === 'Partial')
    edits.push([node.typeName.getStart(), 'Loose', node.typeName.end]);
  ts.forEachChild(node, (child) => collect(child, edits));
}

function hasUndefined(type) {
  const types = ts.isUnionTypeNode(type) ? type.types : [type];
  return types.some(
    ({ kind }) =>
      kind === ts.SyntaxKind.UndefinedKeyword ||
      kind === ts.SyntaxKind.UnknownKeyword ||
      kind === ts.SyntaxKind.AnyKeyword,
  );
}
