import { isAbsolute, normalize } from 'node:path/posix';
import { quote } from '../../job/names.js';
import { outside, refusal, type Project } from './project.js';

/** What `planInit` wants to know of a Nest application. */
export interface Application {
  /** The folder of its sources, e.g. `src`. */
  sourceRoot: string;
  /** Those of the other applications of its workspace. */
  others: string[];
  /** The file of its root module. */
  rootModule: string;
  /** What its relative imports end in: nothing, `.js` or `.ts`. */
  extension: string;
  isEsm: boolean;
  /** Names of all packages it asks for. */
  packages: Set<string>;
  testScript: string;
}

interface NestCli {
  sourceRoot?: string;
  projects?: Record<string, { type?: string; sourceRoot?: string }>;
}

interface PackageJson {
  type?: string;
  scripts?: Record<string, string>;
  dependencies?: object;
  devDependencies?: object;
  peerDependencies?: object;
}

/** @throws QueueError `INVALID_OPTION` where there is none. */
export function applicationIn(project: Project, module?: string): Application {
  const { type, scripts, ...asked } =
    jsonOf<PackageJson>(project, 'package.json') ?? refuseFolder();
  const packages = packagesOf(asked);
  if (!packages.has('@nestjs/core'))
    throw refusal('This is not a Nest application: package.json does not name @nestjs/core.');
  const isEsm = type === 'module';
  const sources = sourcesOf(project, isEsm, module);
  if (isAbsolute(sources.sourceRoot) || normalize(sources.sourceRoot).startsWith('..'))
    throw outside(sources.sourceRoot);
  return { ...sources, isEsm, packages, testScript: scripts?.test ?? '' };
}

function sourcesOf(
  project: Project,
  isEsm: boolean,
  module?: string,
): Pick<Application, 'sourceRoot' | 'others' | 'rootModule' | 'extension'> {
  const { sourceRoot: main = 'src', projects = {} } =
    jsonOf<NestCli>(project, 'nest-cli.json') ?? {};
  const rootModule = module?.replace(/^\.\//, '') ?? `${main}/app.module.ts`;
  const applications = Object.values(projects).filter(({ type }) => type !== 'library');
  const roots = applications.flatMap(({ sourceRoot = [] }) => sourceRoot);
  const sourceRoot = roots.find((root) => rootModule.startsWith(`${root}/`)) ?? main;
  const others = roots.filter((root) => root !== sourceRoot);
  return {
    sourceRoot,
    others,
    rootModule,
    extension: extensionIn(project, rootModule) ?? (isEsm ? '.js' : ''),
  };
}

function packagesOf({ dependencies, devDependencies, peerDependencies }: PackageJson): Set<string> {
  return new Set(Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies }));
}

function refuseFolder(): never {
  throw refusal('There is no package.json here. Run it in the folder of your Nest application.');
}

function jsonOf<Content>(project: Project, path: string): Content | undefined {
  const text = project.get(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Content;
  } catch {
    throw refusal(`${path} is not valid JSON. Fix it first.`);
  }
}

function extensionIn(project: Project, rootModule: string): string | undefined {
  const text = project.get(rootModule);
  if (text === undefined)
    throw refusal(
      `There is no ${rootModule === '' ? 'such file' : quote(rootModule)}. Name the file of your root module: --module <path>.`,
    );
  const relative = /from\s+['"]\.{1,2}\/[^'"]*?(\.[jt]s)?['"]/.exec(text);
  return relative ? (relative[1] ?? '') : undefined;
}
