import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { planInit, type InitPlan } from '../../../lib/cli/init/plan.js';
import type { Project } from '../../../lib/cli/init/project.js';
import { anApplication, ROOT_MODULE, type NestApplication } from './nest-applications.js';

const NEW_FILES = ['handler', 'service', 'module', 'spec'].map(
  (part) => `src/greetings/greetings.${part}.ts`,
);

const afterwards = (project: Project, { changes }: InitPlan): Project =>
  new Map([...project, ...changes.map(({ path, after }): [string, string] => [path, after])]);

const added = ({ changes }: InitPlan, path: string): string[] => {
  const { before = '', after } = changes.find((change) => change.path === path)!;
  const old = before.split(/\r?\n/);
  return after.split(/\r?\n/).filter((line) => !old.includes(line));
};

describe.each<[NestApplication, string[], string]>([
  [
    'Nest 11',
    [...NEW_FILES, 'package.json', 'test/jest-e2e.json', 'src/main.ts', 'src/app.module.ts'],
    '',
  ],
  ['Nest 12, ESM', [...NEW_FILES, 'src/main.ts', 'src/app.module.ts'], '.js'],
  ['Nest 12, CommonJS', [...NEW_FILES, 'src/main.ts', 'src/app.module.ts'], ''],
])('an application of %s', (kind, paths, extension) => {
  const project = anApplication(kind);
  const plan = planInit(project, ts);

  it('gets the module, a first job with its spec, and shutdown hooks', () => {
    expect(plan.changes.map(({ path }) => path)).toEqual(paths);
    expect(plan.byHand).toEqual([]);
    expect(added(plan, 'src/main.ts')).toEqual(['  app.enableShutdownHooks();']);
    expect(added(plan, 'src/app.module.ts')).toEqual([
      `import { SimpleQueueModule } from 'nestjs-simple-queue';`,
      `import { GreetingsModule } from './greetings/greetings.module${extension}';`,
      '    SimpleQueueModule.forRoot(),',
      '    GreetingsModule,',
    ]);
  });

  it('gets sources that the compiler reads, with the relative imports that it has', () => {
    for (const { path, after } of plan.changes.filter((change) => change.path.endsWith('.ts'))) {
      expect({
        path,
        problems: ts.transpileModule(after, { reportDiagnostics: true }).diagnostics,
      }).toEqual({
        path,
        problems: [],
      });
      for (const [, target] of after.matchAll(/from '(\.[^']+)'/g))
        expect(target!.endsWith('.js')).toBe(extension === '.js');
    }
  });

  it('has nothing left to do after that, nor after a half of it', () => {
    expect(planInit(afterwards(project, plan), ts)).toMatchObject({
      changes: [],
      knownIn: 'src/app.module.ts',
    });
    const half = { ...plan, changes: plan.changes.slice(0, -1) };
    expect(planInit(afterwards(project, half), ts).changes).toEqual(plan.changes.slice(-1));
  });
});

it('lets ts-jest translate the package where Jest has its own loader', () => {
  const { changes } = planInit(anApplication('Nest 11'), ts);
  const { jest } = JSON.parse(changes.find(({ path }) => path === 'package.json')!.after) as {
    jest: Record<string, object>;
  };
  const [pattern] = jest.transformIgnorePatterns as string[];
  const ignored = (path: string): boolean => new RegExp(pattern!).test(path);
  expect(ignored('/app/node_modules/nestjs-simple-queue/dist/lib/index.js')).toBe(false);
  expect(
    ignored(
      '/app/node_modules/.pnpm/nestjs-simple-queue@1/node_modules/nestjs-simple-queue/dist/lib/index.js',
    ),
  ).toBe(false);
  expect(
    ignored('/app/node_modules/.pnpm/nestjs-simple-queue@1/node_modules/pg/lib/index.js'),
  ).toBe(true);
  // Jest takes the first that fits.
  expect(Object.keys(jest.transform!)[0]).toContain('nestjs-simple-queue');
});

it('gives no spec to who has nothing to run it', () => {
  const packageJson = JSON.stringify({
    dependencies: { '@nestjs/core': '*' },
    devDependencies: { mocha: '*' },
  });
  const { changes, byHand } = planInit(
    anApplication('Nest 12, CommonJS', { 'package.json': packageJson }),
    ts,
  );
  expect(changes.map(({ path }) => path)).not.toContain('src/greetings/greetings.spec.ts');
  expect(byHand).toEqual([
    { what: expect.any(String), lines: 'npm install nestjs-simple-queue typeorm pg' },
  ]);
});

it('knows the sources of a workspace, and a root module of another name', () => {
  const project = anApplication('Nest 11', {
    'nest-cli.json': JSON.stringify({ sourceRoot: 'apps/shop/src' }),
    'src/app.module.ts': undefined,
    'apps/shop/src/core/shop.module.ts': ROOT_MODULE,
  });
  const { changes, byHand } = planInit(project, ts, './apps/shop/src/core/shop.module.ts');
  const root = changes.at(-1)!;
  expect(root.path).toBe('apps/shop/src/core/shop.module.ts');
  expect(root.after).toContain(`from '../greetings/greetings.module'`);
  expect(byHand).toEqual([expect.objectContaining({ lines: 'app.enableShutdownHooks();' })]);
});

describe('a workspace of several applications', () => {
  const projects = {
    shop: { root: 'apps/shop', sourceRoot: 'apps/shop/src' },
    api: { root: 'apps/api', sourceRoot: 'apps/api/src' },
  };
  const project = (shopModule: string): Project =>
    anApplication('Nest 11', {
      'nest-cli.json': JSON.stringify({ monorepo: true, sourceRoot: 'apps/shop/src', projects }),
      'src/app.module.ts': undefined,
      'src/main.ts': undefined,
      'test/jest-e2e.json': undefined,
      'apps/api/test/jest-e2e.json': anApplication('Nest 11').get('test/jest-e2e.json'),
      'apps/shop/src/app.module.ts': shopModule,
      'apps/api/src/api.module.ts': ROOT_MODULE,
      'apps/api/src/main.ts': anApplication('Nest 11').get('src/main.ts'),
    });

  it.each([
    ['which has none yet', ROOT_MODULE],
    [
      'although another one has it',
      ROOT_MODULE.replace('imports: [', 'imports: [SimpleQueueModule.forRoot(),'),
    ],
  ])('has the named one set up, in its own folder, %s', (_, shopModule) => {
    const { changes, byHand, knownIn } = planInit(
      project(shopModule),
      ts,
      'apps/api/src/api.module.ts',
    );
    expect(knownIn).toBeUndefined();
    expect(byHand).toEqual([]);
    expect(changes.map(({ path }) => path).filter((path) => path.startsWith('apps/'))).toEqual([
      ...NEW_FILES.map((path) => `apps/api/${path}`),
      'apps/api/test/jest-e2e.json',
      'apps/api/src/main.ts',
      'apps/api/src/api.module.ts',
    ]);
    expect(changes.at(-1)!.after).toContain(`from './greetings/greetings.module'`);
  });

  it('is done where the queue comes with a library of all applications', () => {
    const library = {
      'libs/queue/src/queue.module.ts': 'export const queue = SimpleQueueModule.forRoot();',
    };
    const files = new Map([...project(ROOT_MODULE), ...Object.entries(library)]);
    expect(planInit(files, ts, 'apps/api/src/api.module.ts')).toMatchObject({
      knownIn: 'libs/queue/src/queue.module.ts',
    });
  });
});

it('lets Jest translate the package where the queue was set up by hand, and changes nothing else', () => {
  const byHand = ROOT_MODULE.replace('imports: [', 'imports: [SimpleQueueModule.forRoot(),');
  const project = anApplication('Nest 11', { 'src/app.module.ts': byHand });
  const { changes } = planInit(project, ts);
  expect(changes.map(({ path }) => path)).toEqual(['package.json', 'test/jest-e2e.json']);
  expect(planInit(afterwards(project, { changes, byHand: [] }), ts).changes).toEqual([]);
  const itsOwnWay = {
    'package.json': project.get('package.json')!.replace('"transform": {', '"transform": { '),
  };
  expect(
    planInit(anApplication('Nest 11', { ...itsOwnWay, 'src/app.module.ts': byHand }), ts).byHand,
  ).toEqual([]);
});

it('takes the word of no comment that the queue is there', () => {
  const project = anApplication('Nest 11', {
    'src/app.service.ts': '// Some day: SimpleQueueModule.forRoot()\n',
  });
  expect(planInit(project, ts).knownIn).toBeUndefined();
});

it('writes line ends as the files have them', () => {
  const windows = new Map(
    [...anApplication('Nest 11')].map(([path, text]) => [path, text.replaceAll('\n', '\r\n')]),
  );
  for (const { after } of planInit(windows, ts).changes)
    expect(after.replaceAll('\r\n', '')).not.toContain('\n');
});

it.each<[string, Record<string, string | undefined>, string]>([
  ['no package.json', { 'package.json': undefined }, 'There is no package.json here'],
  ['a broken package.json', { 'package.json': '{ "name": ' }, 'package.json is not valid JSON'],
  ['no Nest', { 'package.json': '{}' }, 'This is not a Nest application'],
  [
    'no root module',
    { 'src/app.module.ts': undefined },
    'There is no "src/app.module.ts". Name the file',
  ],
  [
    'no TypeORM',
    { 'src/app.module.ts': '@Module({ imports: [] }) class AppModule {}' },
    'npm install @nestjs/typeorm typeorm pg',
  ],
  [
    'a file in the way',
    { 'src/greetings/greetings.module.ts': '// mine' },
    'nothing is overwritten',
  ],
])('refuses with what to do: %s', (_, files, message) => {
  const project = anApplication('Nest 11', files);
  expect(() => planInit(project, ts)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(message) }),
  );
});

it.each<[string, Record<string, string>, string[]]>([
  [
    'a module that is made elsewhere',
    {
      'src/app.module.ts': ROOT_MODULE.replace('@Module({', 'const root = ({').replace(
        'export class',
        '@Module(root)\nexport class',
      ),
    },
    ['imports: [ ...'],
  ],
  [
    'wrong syntax',
    { 'src/app.module.ts': ROOT_MODULE.replace('imports: [', 'imports: [[') },
    ['imports: [ ...'],
  ],
  [
    'a Jest configuration of its own',
    { 'test/jest-e2e.json': '{ "preset": "ts-jest" }' },
    ['"transformIgnorePatterns"'],
  ],
  ['an application made elsewhere', { 'src/main.ts': `void start();` }, ['enableShutdownHooks']],
])('says what to paste where it cannot tell, and does the rest: %s', (_, files, lines) => {
  const { changes, byHand } = planInit(anApplication('Nest 11', files), ts);
  expect(byHand.map((note) => note.lines)).toEqual(
    lines.map((line) => expect.stringContaining(line)),
  );
  expect(changes.length).toBe(7);
  expect(changes.map(({ path }) => path)).not.toContain(Object.keys(files)[0]);
});

it('does without a compiler: it says what to paste', () => {
  const { changes, byHand } = planInit(anApplication('Nest 12, ESM'), undefined);
  expect(changes.map(({ path }) => path)).toEqual(NEW_FILES);
  expect(byHand).toHaveLength(2);
});
