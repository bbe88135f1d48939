import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

interface Rule {
  name: string;
}
interface Cruise {
  summary: { violations: { from: string; to: string; rule: Rule }[] };
}

const { forbidden } = createRequire(import.meta.url)('../.dependency-cruiser.cjs') as {
  forbidden: Rule[];
};

/** For every rule of .dependency-cruiser.cjs an import that it must catch: [rule, from, to]. */
const VIOLATIONS: [string, string, string][] = [
  ['no-cycle', 'lib/pull/circle.ts', './circle.js'],
  ['no-type-cycle', 'lib/pull/circle-of-types.ts', './its-other-half.js'],
  ['resolvable', 'lib/pull/hopeful.ts', './nowhere.js'],
  ['job-is-pure', 'lib/job/proud.ts', '../runtime/loop.js'],
  ['runtime-is-pure', 'lib/runtime/proud.ts', '../job/job.js'],
  ['floor-without-packages', 'lib/job/rich.ts', 'rxjs'],
  ['spool-is-files', 'lib/spool/proud.ts', '../storage/database.js'],
  ['storage-on-the-floor', 'lib/storage/proud.ts', '../admin/admin.js'],
  ['observability-on-the-floor', 'lib/observability/proud.ts', '../storage/database.js'],
  ['options-are-read-first', 'lib/options/proud.ts', '../storage/database.js'],
  ['enqueue-stands-alone', 'lib/enqueue/nosy.ts', '../admin/admin.js'],
  ['waiting-stands-alone', 'lib/waiting/nosy.ts', '../admin/admin.js'],
  ['handlers-are-called', 'lib/handlers/nosy.ts', '../run/run.js'],
  ['run-calls-handlers', 'lib/run/nosy.ts', '../claim/claim.js'],
  ['settle-knows-runs', 'lib/settle/nosy.ts', '../claim/claim.js'],
  ['claim-hands-on', 'lib/claim/nosy.ts', '../worker/worker.js'],
  ['maintenance-stands-alone', 'lib/maintenance/nosy.ts', '../admin/admin.js'],
  ['admin-stands-alone', 'lib/admin/nosy.ts', '../pull/pull.js'],
  ['pull-stands-alone', 'lib/pull/nosy.ts', '../admin/admin.js'],
  ['doctor-stands-alone', 'lib/doctor/nosy.ts', '../admin/admin.js'],
  ['health-stands-alone', 'lib/health/nosy.ts', '../admin/admin.js'],
  ['schedules-enqueue', 'lib/schedules/nosy.ts', '../admin/admin.js'],
  ['workflows-enqueue', 'lib/workflows/nosy.ts', '../admin/admin.js'],
  ['troubles-are-told-to-many', 'lib/troubles/nosy.ts', '../admin/admin.js'],
  ['limits-stands-alone', 'lib/limits/nosy.ts', '../admin/admin.js'],
  ['plain-knows-no-store', 'lib/plain/nosy.ts', '../admin/admin.js'],
  ['plain-is-for-other-stores', 'lib/admin/plain.ts', '../plain/plain-job.js'],
  ['redis-stands-alone', 'lib/redis/nosy.ts', '../admin/admin.js'],
  ['queue-service-enqueues', 'lib/queue.service.ts', './admin/leads-to-worker.js'],
  ['web-process-without-worker', 'lib/admin/leads-to-worker.ts', '../worker/worker.js'],
  ['worker-below-the-module', 'lib/worker/proud.ts', '../admin/admin.js'],
  ['maintenance-is-for-who-turns-it', 'lib/decorators/hasty.ts', '../maintenance/reaper.js'],
  ['sql-in-storage', 'lib/admin/fluent.ts', '../storage/claim/claim.sql.js'],
  ['drivers-in-storage', 'lib/admin/driver.ts', 'pg'],
  ['migrations-through-storage', 'lib/admin/mover.ts', '../../migrations/migrations.js'],
  ['migrations-on-storage', 'migrations/proud.ts', '../lib/admin/admin.js'],
  ['index-is-for-applications', 'lib/admin/lazy.ts', '../index.js'],
  ['module-is-outside', 'lib/admin/owner.ts', '../module/simple-queue.module.js'],
  ['decorators-are-outside', 'lib/admin/decorated.ts', '../decorators/decorator.js'],
  ['testing-is-outside', 'lib/admin/tested.ts', '../testing/testing.js'],
  ['opentelemetry-is-outside', 'lib/admin/measured.ts', '../opentelemetry/opentelemetry.js'],
  ['opentelemetry-listens', 'lib/opentelemetry/nosy.ts', '../admin/admin.js'],
  ['opentelemetry-is-optional', 'lib/admin/traced.ts', '@opentelemetry/api'],
  ['cli-is-outside', 'lib/admin/typed.ts', '../cli/main.js'],
  ['dashboard-is-outside', 'lib/admin/shown.ts', '../dashboard/page.js'],
  ['published-needs-peers-only', 'lib/storage/dev.ts', 'commander'],
  ['patterns-need-croner-only', 'lib/schedules/calendar/pattern.ts', 'commander'],
  ['cli-needs-what-is-bundled', 'lib/cli/dev.ts', 'expect-type'],
  ['published-stands-alone', 'lib/admin/looks-out.ts', '../../test/support/eventually.js'],
];

const repository = resolve(import.meta.dirname, '..');
const sandbox = mkdtempSync(join(tmpdir(), 'sq-architecture-'));
let caught: Set<string>;

beforeAll(() => {
  for (const name of ['package.json', 'tsconfig.json', '.dependency-cruiser.cjs'])
    copyFileSync(join(repository, name), join(sandbox, name));
  symlinkSync(join(repository, 'node_modules'), join(sandbox, 'node_modules'));
  for (const [, from, to] of VIOLATIONS)
    if (to.startsWith('.') && !to.includes('nowhere'))
      write(join(dirname(from), to.replace(/\.js$/, '.ts')), '');
  for (const [, from, to] of VIOLATIONS)
    write(from, `import * as it from '${to}';\nconsole.log(it);\n`);
  write('lib/job/typed.ts', "import type { Pool } from 'pg';\nexport type It = Pool;\n");
  const half = (other: string): string =>
    `import type { here as there } from './${other}.js';\nexport type It = typeof there;\n`;
  write('lib/pull/circle-of-types.ts', half('its-other-half'));
  write('lib/pull/its-other-half.ts', half('circle-of-types'));
  caught = new Set(cruise().summary.violations.map(({ rule, from }) => `${rule.name}: ${from}`));
});

afterAll(() => rmSync(sandbox, { recursive: true }));

function write(path: string, content: string): void {
  mkdirSync(join(sandbox, dirname(path)), { recursive: true });
  writeFileSync(join(sandbox, path), `${content}export const here = true;\n`);
}

function cruise(): Cruise {
  const program = join(repository, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [program, 'lib', 'migrations', '--output-type', 'json'],
    {
      cwd: sandbox,
      encoding: 'utf8',
    },
  );
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout) as Cruise;
}

it.each(VIOLATIONS)('%s: stops %s from importing %s', (rule, from) => {
  const reached = rule === 'web-process-without-worker' ? 'lib/queue.service.ts' : from;
  expect([...caught]).toContain(`${rule}: ${reached}`);
});

it('lets anyone import the type of a package', () => {
  expect([...caught].filter((violation) => violation.endsWith('lib/job/typed.ts'))).toEqual([]);
});

it('has a violation for every rule', () => {
  expect(new Set(VIOLATIONS.map(([rule]) => rule))).toEqual(
    new Set(forbidden.map(({ name }) => name)),
  );
});
