import { expect, it } from '@jest/globals';
import { runInNewContext } from 'node:vm';
import { linear } from '../../lib/job/backoff.js';
import { DEFAULTS } from '../../lib/options/option-rules.js';
import { membersOf, tableUnder } from './documents.js';

const GUIDE = 'docs/reference/options.md';
const OPTIONS = 'lib/options/simple-queue.options.ts';
const POLICY = membersOf('lib/job/job-handler.ts', 'AttemptPolicy');
const HANDLE_JOB = [...POLICY, ...membersOf('lib/job/job-handler.ts', 'HandleJobOptions')];

const MODULE_PARTS = [
  'Database',
  'What this process runs',
  'Concurrency',
  'Attempts',
  'Retention',
  'Polling, leases and timeouts',
  'Sizes',
  'Extensions',
];

const namesUnder = (...headings: string[]): string[] =>
  headings.flatMap((heading) => tableUnder(GUIDE, heading).map(([name]) => name!)).sort();

it('names every option of the module, and no other', () => {
  const whole = membersOf(OPTIONS, 'SimpleQueueOptions');
  const extras = membersOf(
    'lib/module/simple-queue.module-definition.ts',
    'SimpleQueueModuleExtras',
  );
  const worker = membersOf(OPTIONS, 'WorkerSettings').map((name) => `worker.${name}`);
  expect(namesUnder(...MODULE_PARTS)).toEqual([...whole, ...extras, ...worker, ...POLICY].sort());
});

// The options of a job are in enqueueing.md: lists.spec.
it.each([
  ['A queue', [...POLICY, ...membersOf(OPTIONS, 'QueueSettings')]],
  ['A handler', [...HANDLE_JOB, ...membersOf('lib/job/job-handler.ts', 'QueueHandlerOptions')]],
])('names every option of: %s', (heading, declared) => {
  expect(namesUnder(heading)).toEqual([...declared].sort());
});

it('tells the defaults that hold', () => {
  const told = MODULE_PARTS.flatMap((heading) => tableUnder(GUIDE, heading)).map(
    ([name, value]): [string, unknown] => [name!, valueOf(value!)],
  );
  const { worker, ...flat } = DEFAULTS;
  const extras = {
    isGlobal: true,
    name: 'default',
    worker: true,
    'worker.autoStart': worker?.autoStart,
    queues: {},
    limits: {},
  };
  expect(Object.fromEntries(told.filter(([, value]) => value !== undefined))).toEqual({
    ...flat,
    ...extras,
  });
});

/** A cell such as `15_000`, or `none` and words for what has no default value. */
function valueOf(cell: string): unknown {
  const [code = ''] = cell.split(' (');
  if (!/^(['{[\d]|true|false|linear)/.test(code)) return undefined;
  // Copied, since an object of another context is of another class.
  return JSON.parse(JSON.stringify(runInNewContext(`(${code})`, { linear })));
}
