import { expect, it } from '@jest/globals';
import { unservedNames } from '../../lib/claim/unserved-names.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';

const slipsOf = (options: object, ...handled: string[]) =>
  unservedNames(resolveOptions(options).options, handled);

it('names a queue of worker.queues that no handler is for, with the closest one that has a handler', () => {
  expect(slipsOf({ worker: { queues: ['emial'] } }, 'emails', 'reports')).toEqual([
    'worker.queues names "emial", and no handler of this process is for it (did you mean "emails"?)',
  ]);
});

it('names what there are handlers for where none is close', () => {
  expect(slipsOf({ worker: { queues: ['zebra', 'push.*'] } }, 'emails', 'mail.*')).toEqual([
    'worker.queues names "zebra", and no handler of this process is for it (its handlers are for "emails", "mail.*")',
    'worker.queues names "push.*", and no handler of this process is for it (its handlers are for "emails", "mail.*")',
  ]);
});

it('names settings of a queue that is mistyped, and none that another process may work', () => {
  const queues = { emial: {}, billing: {}, reports: {} };
  expect(slipsOf({ queues }, 'emails', 'reports')).toEqual([
    'queues has settings for "emial", and no handler of this process is for it (did you mean "emails"?)',
  ]);
});

it.each([
  [['emails'], ['emails']],
  [['mail.*'], ['mail.welcome']],
  [['mail.welcome'], ['mail.*']],
  [['*'], ['emails']],
])('has nothing to say of %j where handlers are for %j', (queues, handled) => {
  expect(slipsOf({ worker: { queues } }, ...handled)).toEqual([]);
});
