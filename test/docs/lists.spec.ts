import { expect, it } from '@jest/globals';
import { TERMINAL_STATES } from '../../lib/job/job-state.js';
import { JOB_EVENT_NAMES } from '../../lib/observability/events.js';
import { membersOf, read, tableUnder, wordsOf } from './documents.js';

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
    wordsOf('lib/doctor/finding.ts', 'FindingCode').sort(),
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
