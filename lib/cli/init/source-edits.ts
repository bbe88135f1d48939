import type ts from 'typescript';

/** The compiler of the application: it reads its own sources best. */
export type TypeScript = typeof ts;

/** Puts `text` in the place of what is from `start` to `end`. */
export interface Edit {
  start: number;
  end: number;
  text: string;
}

/** A source text as the compiler reads it; undefined where its syntax is wrong. */
export function parsed(typescript: TypeScript, text: string): ts.SourceFile | undefined {
  const compilerOptions = { target: typescript.ScriptTarget.ES2022, experimentalDecorators: true };
  const { diagnostics = [] } = typescript.transpileModule(text, {
    reportDiagnostics: true,
    compilerOptions,
  });
  if (diagnostics.length > 0) return undefined;
  return typescript.createSourceFile('source.ts', text, typescript.ScriptTarget.ES2022, true);
}

/** From the last to the first, so that the places of the others stay. Line ends are those of the text. */
export function edited(before: string, edits: readonly Edit[]): string {
  return [...edits]
    .sort((a, b) => b.start - a.start)
    .reduce(
      (now, { start, end, text }) =>
        now.slice(0, start) + withLineEndsOf(before, text) + now.slice(end),
      before,
    );
}

/** `added`, with the line ends that `text` has. */
export const withLineEndsOf = (text: string, added: string): string =>
  text.includes('\r\n') ? added.replaceAll('\n', '\r\n') : added;

/** The white space that the line of a place begins with. */
export function indentAt(text: string, place: number): string {
  const line = text.slice(text.lastIndexOf('\n', place - 1) + 1);
  return /^[ \t]*/.exec(line)![0];
}
