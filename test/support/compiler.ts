import ts from 'typescript';

const OURS = ts.parseJsonConfigFileContent(
  ts.readConfigFile('tsconfig.json', (path) => ts.sys.readFile(path)).config,
  ts.sys,
  '.',
).options;

/** Files that are read once for all programs of a spec file. */
const read = new Map<string, ts.SourceFile | undefined>();

/** As if it were a file of a folder that takes the library as users do. */
const pathOf = (name: string): string => `${process.cwd()}/test/types/asked-${name}.ts`;

/** What the compiler says of each source, by its name; one program for all, since it reads the library's types. */
export function compilerTexts<Name extends string>(
  sources: Readonly<Record<Name, string>>,
  given: ts.CompilerOptions = {},
): Record<Name, string> {
  const options = { ...OURS, ...given };
  const names = Object.keys(sources) as Name[];
  const texts = new Map(names.map((name) => [pathOf(name), sources[name]]));
  const program = ts.createProgram([...texts.keys()], options, hostOf(texts, options));
  const textOf = (name: Name): string =>
    program
      .getSemanticDiagnostics(program.getSourceFile(pathOf(name)))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
      .join('\n');
  return Object.fromEntries(names.map((name) => [name, textOf(name)])) as Record<Name, string>;
}

function hostOf(texts: Map<string, string>, options: ts.CompilerOptions): ts.CompilerHost {
  const plain = ts.createCompilerHost(options);
  return {
    ...plain,
    fileExists: (file) => texts.has(file) || plain.fileExists(file),
    getSourceFile: (file, version, ...rest) => {
      const text = texts.get(file);
      if (text !== undefined) return ts.createSourceFile(file, text, version, true);
      if (!read.has(file)) read.set(file, plain.getSourceFile(file, version, ...rest));
      return read.get(file);
    },
  };
}
