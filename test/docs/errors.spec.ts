import { expect, it } from '@jest/globals';
import { tableUnder, wordsOf } from './documents.js';

it('explains every code of a QueueError, and no other', () => {
  const explained = ['At the start', 'At a call', 'In a handler', 'With a job', 'In tests'].flatMap(
    (part) => tableUnder('docs/reference/errors.md', part).map(([code]) => code),
  );
  expect(explained.sort()).toEqual(wordsOf('lib/job/queue.errors.ts', 'QueueErrorCode').sort());
});
