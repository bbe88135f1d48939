import { expect, it } from '@jest/globals';
import { CriticalError, QueueError, UnprocessableError } from '../../lib/job/queue.errors.js';

it('carries a code, a message and the cause', () => {
  const cause = new Error('socket closed');
  const error = new QueueError('DATABASE_UNAVAILABLE', 'The database did not answer.', { cause });
  expect(error).toMatchObject({
    name: 'QueueError',
    code: 'DATABASE_UNAVAILABLE',
    message: 'The database did not answer.',
    cause,
  });
});

it.each([
  [new CriticalError('disk full'), 'CRITICAL', 'CriticalError'],
  [new UnprocessableError('no such order'), 'UNPROCESSABLE', 'UnprocessableError'],
])('lets handlers throw %s', (error, code, name) => {
  expect(error).toBeInstanceOf(QueueError);
  expect(error).toMatchObject({ code, name });
});
