import type ts from 'typescript';
import { edited, indentAt, parsed, type TypeScript } from './source-edits.js';

/** The source with `enableShutdownHooks()` on the application that it makes; undefined where it is written in another way. */
export function withShutdownHooks(typescript: TypeScript, text: string): string | undefined {
  const file = parsed(typescript, text);
  const found =
    file &&
    statementsIn(typescript, file).flatMap(
      (statement) => applicationOf(typescript, statement) ?? [],
    );
  if (found?.length !== 1) return undefined;
  const [{ name, statement }] = found as [Application];
  const { end } = statement;
  const semicolon = text[end - 1] === ';' ? ';' : '';
  const line = `\n${indentAt(text, statement.getStart())}${name}.enableShutdownHooks()${semicolon}`;
  return edited(text, [{ start: end, end, text: line }]);
}

interface Application {
  name: string;
  statement: ts.Statement;
}

function statementsIn(typescript: TypeScript, node: ts.Node): ts.Statement[] {
  const found: ts.Statement[] = [];
  const visit = (child: ts.Node): void => {
    if (typescript.isVariableStatement(child)) found.push(child);
    typescript.forEachChild(child, visit);
  };
  visit(node);
  return found;
}

/** `const app = await NestFactory.create(...)` */
function applicationOf(typescript: TypeScript, statement: ts.Statement): Application | undefined {
  if (!typescript.isVariableStatement(statement)) return undefined;
  const [declaration] = statement.declarationList.declarations;
  if (!declaration?.initializer || !typescript.isAwaitExpression(declaration.initializer))
    return undefined;
  const isMade = declaration.initializer.expression.getText().startsWith('NestFactory.create');
  return isMade ? { name: declaration.name.getText(), statement } : undefined;
}
