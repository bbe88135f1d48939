import type { Project } from '../../../lib/cli/init/project.js';

/** What `nest new` of Nest 11 and 12 writes, with TypeORM in the root module: the files that count for `init`. */
export const ROOT_MODULE = `import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AppService } from './app.service';

@Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: process.env.DATABASE_URL,
    }),
  ],
  providers: [AppService],
})
export class AppModule {}
`;

const MAIN = `import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  await app.listen(process.env.PORT ?? 3000);
}
void bootstrap();
`;

const JEST_E2E = `{
  "rootDir": ".",
  "testRegex": ".e2e-spec.ts$",
  "transform": {
    "^.+\\\\.(t|j)s$": "ts-jest"
  }
}
`;

const packageJson = (own: object, tools: string[]): string =>
  JSON.stringify(
    {
      ...own,
      dependencies: { '@nestjs/core': '*', 'nestjs-simple-queue': '*', pg: '*', typeorm: '*' },
      devDependencies: Object.fromEntries(['@nestjs/testing', ...tools].map((name) => [name, '*'])),
    },
    null,
    2,
  );

const asEsm = (text: string): string => text.replaceAll(/(from '\.\/[^']+)'/g, `$1.js'`);

const JEST = { rootDir: 'src', transform: { '^.+\\.(t|j)s$': 'ts-jest' }, testEnvironment: 'node' };

const APPLICATIONS = {
  'Nest 11': {
    'package.json': packageJson({ scripts: { test: 'jest' }, jest: JEST }, ['jest', 'ts-jest']),
    'test/jest-e2e.json': JEST_E2E,
    'src/main.ts': MAIN,
    'src/app.module.ts': ROOT_MODULE,
  },
  'Nest 12, ESM': {
    'package.json': packageJson({ type: 'module', scripts: { test: 'vitest run' } }, ['vitest']),
    'src/main.ts': asEsm(MAIN),
    'src/app.module.ts': asEsm(ROOT_MODULE),
  },
  'Nest 12, CommonJS': {
    'package.json': packageJson(
      { scripts: { test: 'node --experimental-vm-modules node_modules/jest/bin/jest.js' } },
      ['jest'],
    ),
    'test/jest-e2e.json': JEST_E2E,
    'src/main.ts': MAIN,
    'src/app.module.ts': ROOT_MODULE,
  },
};

export type NestApplication = keyof typeof APPLICATIONS;

/** With some files changed, or (undefined) taken away. */
export function anApplication(
  kind: NestApplication,
  files: Record<string, string | undefined> = {},
): Project {
  const all: Record<string, string | undefined> = { ...APPLICATIONS[kind], ...files };
  return new Map(
    Object.entries(all).filter((file): file is [string, string] => file[1] !== undefined),
  );
}
