import { expect, it } from '@jest/globals';
import ts from 'typescript';
import { SEARCH_WORDS } from '../../lib/admin/search.js';
import { TERMINAL_STATES } from '../../lib/job/job-state.js';
import { JOB_EVENT_NAMES } from '../../lib/observability/events.js';
import { ATTRIBUTE } from '../../lib/opentelemetry/names.js';
import { TROUBLE_CODES } from '../../lib/troubles/kinds.js';
import { RIGHTS } from '../../migrations/roles.js';
import { membersOf, read, tableUnder, wordsOf } from './documents.js';
import { exportedBy, nodesIn } from './sources.js';

/** The words in backticks of the first column of tables. */
const named = (path: string, heading: string): string[] =>
  tableUnder(path, heading).flatMap(([cell]) => cell!.split(', '));

it('handlers: names every fact of a job', () => {
  expect(named('docs/learn/handlers.md', 'What a handler gets')).toEqual(
    expect.arrayContaining(membersOf('lib/job/job.ts', 'JobFacts')),
  );
});

it('handlers: names every event, and no other', () => {
  expect(named('docs/learn/handlers.md', 'Events').sort()).toEqual([...JOB_EVENT_NAMES].sort());
});

it('enqueueing: names every option of a job, and no other', () => {
  const declared = ['JobOptions', 'BackPressure', 'InTransaction'].flatMap((part) =>
    membersOf('lib/job/enqueue-options.ts', part),
  );
  expect(named('docs/learn/enqueueing.md', 'Options of a job').sort()).toEqual(declared.sort());
});

it('enqueueing: names every selector of a cancel', () => {
  const [, part = ''] = read('docs/learn/enqueueing.md').split('## Cancel\n');
  const selectors = membersOf('lib/job/enqueue-options.ts', 'CancelSelector');
  expect(selectors.filter((name) => !part.split('\n## ')[0]!.includes(`\`${name}\``))).toEqual([]);
});

it('waiting: names every state in which a job ends', () => {
  const [, part = ''] = read('docs/learn/waiting.md').split('## The result\n');
  const failed = TERMINAL_STATES.filter((state) => state !== 'succeeded');
  expect(failed.filter((state) => !part.split('\n## ')[0]!.includes(`\`${state}\``))).toEqual([]);
});

it('doctor: names every check, and no other', () => {
  expect(named('docs/operate/doctor.md', 'Checks').sort()).toEqual(
    [...wordsOf('lib/doctor/finding.ts', 'FindingCode'), ...wordsOf('lib/job/trouble.ts', 'TroubleCode')].sort(), // prettier-ignore
  );
});

it('operating: names every reason why a job does not run', () => {
  expect(named('docs/operate/operating.md', 'Why does this job not run\\?').sort()).toEqual(
    wordsOf('lib/admin/reasons.ts', 'ReasonCode').sort(),
  );
});

it('health: names every limit, and no other', () => {
  expect(named('docs/operate/health.md', 'Limits').sort()).toEqual(
    membersOf('lib/health/health-limits.ts', 'HealthLimits').sort(),
  );
});

/** The functions that a table calls in its first column, and the words without brackets in it. */
const called = (path: string, heading: string): string[] =>
  tableUnder(path, heading).flatMap(([cell]) =>
    [...cell!.replaceAll(/\([^()]*\)/g, '').matchAll(/[A-Za-z]+/g)].map(([word]) => word),
  );

const HANDLERS = 'docs/learn/handlers.md';
const KIT = ['target', 'toHaveEnqueued', 'queueMatchers', 'override'];

it('handlers: names every member of the context', () => {
  expect(called(HANDLERS, 'What a handler gets')).toEqual(
    expect.arrayContaining(membersOf('lib/job/job-context.ts', 'JobContext')),
  );
});

it('handlers: names every result', () => {
  const results = membersOf('lib/job/job-result.ts', 'JobResult').filter((name) => !['isResult', 'output'].includes(name)); // prettier-ignore
  expect(called(HANDLERS, 'How a run ends')).toEqual(expect.arrayContaining(results));
});

it('remote workers: names every call, and no other', () => {
  const calls = membersOf('lib/pull/job-queue.ts', 'JobQueue');
  expect(called('docs/learn/remote-workers.md', 'The calls').sort()).toEqual([...calls].sort());
});

it('schedules: names every option and every outcome', () => {
  const options = membersOf('lib/job/schedule.ts', 'ScheduleOptions');
  const guide = read('docs/learn/schedules.md');
  expect(options.filter((name) => !guide.includes(`\`${name}`))).toEqual([]);
  const outcomes = wordsOf('lib/job/schedule.ts', 'TickOutcome');
  const told = guide + read('docs/operate/telemetry.md');
  expect(outcomes.filter((name) => !told.includes(`\`${name}\``))).toEqual([]);
});

it('enqueueing: names every outcome of an enqueue', () => {
  const guide = read('docs/learn/enqueueing.md') + read('docs/operate/bad-days.md');
  const outcomes = wordsOf('lib/job/enqueue-options.ts', 'EnqueueOutcome');
  expect(outcomes.filter((name) => !guide.includes(`\`${name}\``))).toEqual([]);
});

it('testing: names every function of the kit', () => {
  const kit = exportedBy('lib/testing/testing.ts').filter((name) => /^[a-z]/.test(name));
  const guide = read('docs/learn/testing.md') + read('docs/learn/schedules.md');
  expect(kit.filter((name) => !guide.includes(name))).toEqual([]);
  expect(called('docs/learn/testing.md', 'On the real tables').filter((name) => ![...kit, ...KIT].includes(name))).toEqual([]); // prettier-ignore
});

it('operating: names all that retry may do', () => {
  const [, union = ''] = /outcome: ((?:'\w+'[ |]*)+);/.exec(read('lib/admin/revivals.ts'))!;
  const outcomes = [...union.matchAll(/\w+/g)].map(([word]) => word);
  const rows = tableUnder('docs/operate/operating.md', 'Running a job again');
  expect(outcomes.filter((word) => !rows.some(([, told]) => told!.endsWith(word)))).toEqual([]);
});

it('looking: names every word of a search, and no other', () => {
  const words = tableUnder('docs/operate/looking.md', 'Search').flatMap(([cell]) =>
    [...cell!.matchAll(/([a-z-]+)(\.[a-z.]+)?:/g)].map(([, word]) => word!),
  );
  const known = SEARCH_WORDS.map(({ word }) => word.replace('.<path>', ''));
  expect(words.sort()).toEqual(known.sort());
});

it('called at night: names every trouble, and no other code', () => {
  const codes = read('docs/operate/called-at-night.md').match(/(?<=`)[A-Z]+(_[A-Z]+)*(?=`)/g) ?? [];
  expect([...new Set(codes)].filter((code) => code !== 'DATABASE_URL').sort()).toEqual([...TROUBLE_CODES].sort()); // prettier-ignore
});

it('dashboard: names every permission, every option and every page', () => {
  const guide = 'docs/operate/dashboard.md';
  const [, list = ''] = /const PERMISSIONS = \[([^\]]*)\]/.exec(
    read('lib/dashboard/access/access.ts'),
  )!;
  const permissions = [...list.matchAll(/'(\w+)'/g)].map(([, name]) => name);
  expect(tableUnder(guide, 'Who may do what').map(([name]) => name)).toEqual(permissions);
  const options = ['SimpleQueueDashboardOptions', 'SimpleQueueDashboardExtras'].flatMap((name) =>
    membersOf('lib/dashboard/dashboard.options.ts', name),
  );
  expect(called(guide, 'In ten lines').sort()).toEqual(options.sort());
  const pages = [...read('dashboard/pages.ts').matchAll(/^  (\w+): \{ title/gm)].map(
    ([, name]) => name,
  );
  expect(pages.filter((name) => !read(guide).includes(`dashboard/${name}-light.webp`))).toEqual([]);
});

it('roles: names every kind of role', () => {
  const kinds = [...Object.keys(RIGHTS), 'produce'].map((kind) => `queue_${kind}`);
  const told = tableUnder('docs/learn/roles.md', 'Database roles').map(([name]) => name);
  expect(told.sort()).toEqual(kinds.sort());
});

it('telemetry: names every metric, and no other', () => {
  const attributes: string[] = Object.values(ATTRIBUTE);
  const names = nodesIn('lib/opentelemetry', ts.isStringLiteral).map(({ text }) => text);
  const metrics = names.filter((name) => /^(simple_queue|messaging)\.[\w.]+$/.test(name) && !attributes.includes(name)); // prettier-ignore
  const limits = read('lib/opentelemetry/limits.ts').matchAll(/gauge\('(\w+)'/g);
  metrics.push(...[...limits].map(([, name]) => `simple_queue.limit.${name}`));
  // `.given` behind `simple_queue.limit.permits` shares all but its last part.
  const told = tableUnder('docs/operate/telemetry.md', 'Metrics').flatMap(([cell]) => {
    const [first, ...more] = cell!.split(', ');
    return [first!, ...more.map((name) => name.replace(/^\./, first!.replace(/[^.]+$/, '')))];
  });
  expect(told.sort()).toEqual([...new Set(metrics)].sort());
});

it('deploying: has the connections that the code opens', () => {
  const source = read('lib/storage/connection/database.ts');
  const [loops] = /(?<=LOOPS_MAX = )\d+/.exec(source)!;
  expect(tableUnder('docs/operate/deploying.md', 'Connections')[0]![1]).toBe(loops);
  expect(tableUnder('docs/architecture.md', 'Connections')[0]![1]).toBe(loops);
});

it('errors: explains every warning, and no other', () => {
  const namesOf = ({ properties }: ts.ObjectLiteralExpression) =>
    properties.map((property) => property.name?.getText()).join();
  const warnings = nodesIn('lib', ts.isObjectLiteralExpression)
    .filter(
      (node) => namesOf(node) === 'code,message' && !/lib\/(cli|dashboard)\//.test(fileOf(node)),
    )
    .map(({ properties }) => (properties[0] as ts.PropertyAssignment).initializer)
    .filter((code) => code !== undefined && ts.isStringLiteral(code))
    .map(({ text }) => text);
  const told = named('docs/reference/errors.md', 'Warnings').filter((code) =>
    /^[A-Z_]+$/.test(code),
  );
  expect([...new Set(told)].sort()).toEqual([...new Set(warnings)].sort());
});

const fileOf = (node: ts.Node): string => node.getSourceFile().fileName;

it('README and getting started: need what package.json asks for', () => {
  const { engines, peerDependencies: peers } = JSON.parse(read('package.json')) as {
    engines: { node: string };
    peerDependencies: Record<string, string>;
  };
  const versionsIn = (range: string) => range.match(/\d+\.\d+(?=\.)/g)!;
  const [first, second, third] = versionsIn(engines.node);
  const node = `Node.js ${first}, ${second} or ${third} and later`;
  const nest = peers['@nestjs/core']!.match(/\d+(?=\.0\.0)/g)!.join(' or ');
  const [oldTypeOrm] = peers.typeorm!.match(/\d+\.\d+\.\d+/)!;
  const readme = read('README.md').replaceAll(/\s+/g, ' ');
  for (const said of [
    node,
    `NestJS ${nest}`,
    `TypeORM ${oldTypeOrm}`,
    `\`pg\` ${versionsIn(peers.pg!)[0]}`,
  ])
    expect(readme).toContain(said);
  expect(read('docs/learn/getting-started.md')).toContain(node);
});
