import { dirname, join, relative } from 'node:path/posix';
import { applicationIn, type Application } from './application.js';
import { firstJob, FOLDER, MODULE } from './first-job.js';
import { JEST_LINES, withTranslation } from './jest-config.js';
import { withShutdownHooks } from './main-source.js';
import { withModules, type Wanted } from './module-source.js';
import { E2E, refusal, type Project } from './project.js';
import { withLineEndsOf, type TypeScript } from './source-edits.js';

/** A file to make, or (with `before`) to change. */
export interface Change {
  path: string;
  before?: string;
  after: string;
}

/** What the user has to do, since it could not be done safely. */
interface ByHand {
  what: string;
  lines: string;
}

export interface InitPlan {
  changes: Change[];
  byHand: ByHand[];
  /** The file that imports the module already; then only the test runner may lack something. */
  knownIn?: string;
}

/** What would set the application up; nothing is written. `typescript` is the application's own, undefined where it has none to use. */
export function planInit(
  project: Project,
  typescript: TypeScript | undefined,
  module?: string,
): InitPlan {
  const application = applicationIn(project, module);
  const knownIn = fileWith(project, application, /\bSimpleQueueModule\b/);
  const jest = jestConfigs(project, application);
  if (knownIn) return { changes: jest.filter((step) => 'path' in step), byHand: [], knownIn };
  if (!fileWith(project, application, /\bTypeOrmModule\s*\.\s*forRoot/))
    throw refusal(DATA_SOURCE_ADVICE);
  const steps = [
    packages(application),
    newFiles(project, application),
    ...jest,
    shutdownHooks(project, typescript, application),
    // Last, since the file that imports the module is the mark of an application that is set up.
    rootModule(project, typescript, application),
  ].flat();
  return {
    changes: steps.filter((step) => 'path' in step),
    byHand: steps.filter((step) => 'what' in step),
  };
}

type Step = Change | ByHand;

const DATA_SOURCE_ADVICE = `No TypeOrmModule.forRoot was found. The queue joins the application's DataSource, so add that first:

  npm install @nestjs/typeorm typeorm pg   # Nest 11: @nestjs/typeorm@11

  import { TypeOrmModule } from '@nestjs/typeorm';

  @Module({
    imports: [
      TypeOrmModule.forRoot({
        type: 'postgres',
        url: process.env.DATABASE_URL!,
        autoLoadEntities: true,
      }),
    ],
  })`;

const LINES_OF_COMMENTS = /^\s*(\/\/|\/?\*).*$/gm;

/** A file of this application, or of what all of its workspace share. */
function fileWith(project: Project, { others }: Application, text: RegExp): string | undefined {
  const isOurs = (path: string): boolean =>
    path.endsWith('.ts') && !others.some((root) => path.startsWith(`${root}/`));
  return [...project].find(
    ([path, source]) => isOurs(path) && text.test(source.replace(LINES_OF_COMMENTS, '')),
  )?.[0];
}

function packages({ packages }: Application): Step[] {
  const missing = ['nestjs-simple-queue', 'typeorm', 'pg'].filter((name) => !packages.has(name));
  return missing.length === 0
    ? []
    : [
        {
          what: 'Install what package.json does not name',
          lines: `npm install ${missing.join(' ')}`,
        },
      ];
}

/** @throws QueueError `INVALID_OPTION` where one exists with other contents. */
function newFiles(
  project: Project,
  { sourceRoot, rootModule, extension, packages }: Application,
): Step[] {
  const tests = packages.has('@nestjs/testing') ? testsImport(packages) : undefined;
  const files = Object.entries(firstJob(extension, tests)).map(([name, text]) => ({
    path: `${sourceRoot}/${FOLDER}/${name}`,
    after: withLineEndsOf(project.get(rootModule)!, text),
  }));
  const missing = files.filter(({ path, after }) => project.get(path) !== after);
  const taken = missing.find(({ path }) => project.has(path));
  if (taken)
    throw refusal(
      `${taken.path} exists already, and nothing is overwritten. Move it away, or set the module up by hand.`,
    );
  return missing;
}

/** Jest's templates have globals; Vitest has them where it was told so. */
function testsImport(packages: Set<string>): string | undefined {
  if (packages.has('vitest')) return `import { expect, it } from 'vitest';\n`;
  return packages.has('jest') ? '' : undefined;
}

/** Jest's own loader of ES modules (`--experimental-vm-modules`) needs nothing. */
function jestConfigs(project: Project, application: Application): Step[] {
  const { packages, isEsm, testScript, sourceRoot } = application;
  if (!packages.has('jest') || isEsm || testScript.includes('experimental-vm-modules')) return [];
  return ['package.json', join(dirname(sourceRoot), E2E)]
    .filter((path) => project.has(path))
    .flatMap((path) => jestConfig(path, project.get(path)!));
}

function jestConfig(path: string, before: string): Step[] {
  if (before.includes('nestjs-simple-queue/)')) return [];
  const after = withTranslation(before);
  if (after !== undefined) return [{ path, before, after }];
  return [
    {
      what: `Let Jest translate the package: in its configuration (looked for in ${path})`,
      lines: JEST_LINES,
    },
  ];
}

function shutdownHooks(
  project: Project,
  typescript: TypeScript | undefined,
  { sourceRoot }: Application,
): Step[] {
  const path = `${sourceRoot}/main.ts`;
  const before = project.get(path);
  if (before?.includes('enableShutdownHooks')) return [];
  const after =
    typescript && before !== undefined ? withShutdownHooks(typescript, before) : undefined;
  if (after !== undefined) return [{ path, before, after }];
  return [
    {
      what: 'Let running jobs finish when the process is stopped: where the application is created',
      lines: 'app.enableShutdownHooks();',
    },
  ];
}

function rootModule(
  project: Project,
  typescript: TypeScript | undefined,
  { rootModule, sourceRoot, extension }: Application,
): Step[] {
  const before = project.get(rootModule)!;
  const from = relativeTo(rootModule, `${sourceRoot}/${FOLDER}/${FOLDER}.module${extension}`);
  const wanted: Wanted = {
    names: [
      ['SimpleQueueModule', 'nestjs-simple-queue'],
      [MODULE, from],
    ],
    elements: ['SimpleQueueModule.forRoot()', MODULE],
  };
  const after = typescript && withModules(typescript, before, wanted);
  if (after !== undefined) return [{ path: rootModule, before, after }];
  return [
    { what: `Import the module: ${rootModule} could not be changed safely`, lines: pasted(wanted) },
  ];
}

function relativeTo(file: string, target: string): string {
  const path = relative(dirname(file), target);
  return path.startsWith('.') ? path : `./${path}`;
}

const pasted = ({ names, elements }: Wanted): string =>
  [
    ...names.map(([name, from]) => `import { ${name} } from '${from}';`),
    '',
    `imports: [ ..., ${elements.join(', ')} ]`,
  ].join('\n');
