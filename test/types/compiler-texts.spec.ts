import { expect, it } from '@jest/globals';
import ts from 'typescript';
import { patient } from '../support/patience.mjs';

const OPTIONS: ts.CompilerOptions = {
  ...ts.parseJsonConfigFileContent(
    ts.readConfigFile('tsconfig.json', (path) => ts.sys.readFile(path)).config,
    ts.sys,
    '.',
  ).options,
};

/** What the compiler says of these lines, in a file of a folder that takes the library as users do. */
function textOf(lines: string): string {
  const path = `${process.cwd()}/test/types/asked.ts`;
  const source = `import { QueueHandler, HandleJob, defineJob } from 'nestjs-simple-queue';\nconst mail = defineJob({ queue: 'mail' });\n${lines}\nvoid mail; void HandleJob; void QueueHandler;`;
  const plain = ts.createCompilerHost(OPTIONS);
  const host: ts.CompilerHost = {
    ...plain,
    fileExists: (file) => file === path || plain.fileExists(file),
    getSourceFile: (file, version, ...rest) =>
      file === path
        ? ts.createSourceFile(file, source, version, true)
        : plain.getSourceFile(file, version, ...rest),
  };
  const program = ts.createProgram([path], OPTIONS, host);
  const asked = program.getSourceFile(path)!;
  return program
    .getSemanticDiagnostics(asked)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
    .join('\n');
}

it.each([
  ["@QueueHandler('mail', { concurency: 5 }) class A { process() {} } void A;"],
  ["@QueueHandler('mail', { batch: { size: 5 }, concurency: 5 }) class A { process() {} } void A;"],
  ['@QueueHandler(mail, { concurency: 5 }) class A { process() {} } void A;'],
  ["@QueueHandler(() => 'mail', { concurency: 5 }) class A { process() {} } void A;"],
  ["@QueueHandler('mail') class A { @HandleJob('welcome', { concurency: 5 }) run() {} } void A;"],
])(
  'the error for a wrong option speaks of the option: %s',
  (lines) => {
    const text = textOf(lines);
    expect(text).toContain("'concurency' does not exist in type");
    expect(text).toContain("Did you mean to write 'concurrency'?");
    expect(text).not.toMatch(/BatchClass|overload/i);
  },
  patient(60_000),
);
