import { beforeAll, expect, it } from '@jest/globals';
import ts from 'typescript';
import { patient } from '../support/patience.mjs';

const OPTIONS: ts.CompilerOptions = {
  ...ts.parseJsonConfigFileContent(
    ts.readConfigFile('tsconfig.json', (path) => ts.sys.readFile(path)).config,
    ts.sys,
    '.',
  ).options,
};

const CASES = [
  "@QueueHandler('mail', { concurency: 5 }) class A { process() {} } void A;",
  "@QueueHandler('mail', { batch: { size: 5 }, concurency: 5 }) class A { process() {} } void A;",
  '@QueueHandler(mail, { concurency: 5 }) class A { process() {} } void A;',
  "@QueueHandler(() => 'mail', { concurency: 5 }) class A { process() {} } void A;",
  "@QueueHandler('mail') class A { @HandleJob('welcome', { concurency: 5 }) run() {} } void A;",
];

/** Each in a file of a folder that takes the library as users do. */
const asked = CASES.map((lines, n) => ({
  lines,
  path: `${process.cwd()}/test/types/asked-${n}.ts`,
  source: `import { QueueHandler, HandleJob, defineJob } from 'nestjs-simple-queue';\nconst mail = defineJob({ queue: 'mail' });\n${lines}\nvoid mail; void HandleJob; void QueueHandler;`,
}));

let program: ts.Program;

/** One for all: the types of the library and its packages are read once. */
beforeAll(() => {
  const sources = new Map(asked.map(({ path, source }) => [path, source]));
  const plain = ts.createCompilerHost(OPTIONS);
  const host: ts.CompilerHost = {
    ...plain,
    fileExists: (file) => sources.has(file) || plain.fileExists(file),
    getSourceFile: (file, version, ...rest) => {
      const source = sources.get(file);
      return source === undefined
        ? plain.getSourceFile(file, version, ...rest)
        : ts.createSourceFile(file, source, version, true);
    },
  };
  program = ts.createProgram([...sources.keys()], OPTIONS, host);
}, patient(60_000));

/** What the compiler says of a file. */
const textOf = (path: string): string =>
  program
    .getSemanticDiagnostics(program.getSourceFile(path))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
    .join('\n');

it.each(asked.map(({ lines, path }) => [lines, path] as const))(
  'the error for a wrong option speaks of the option: %s',
  (_, path) => {
    const text = textOf(path);
    expect(text).toContain("'concurency' does not exist in type");
    expect(text).toContain("Did you mean to write 'concurrency'?");
    expect(text).not.toMatch(/BatchClass|overload/i);
  },
  patient(60_000),
);
