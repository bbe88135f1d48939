import { expect, it } from '@jest/globals';
import * as api from '../lib/index.js';

it('the public API is exactly this: a new name is a promise', () => {
  expect(Object.keys(api).sort()).toEqual([
    'CriticalError',
    'DatabaseError',
    'HandleJob',
    'Job',
    'JobContext',
    'JobResult',
    'OnJobEvent',
    'Permit',
    'QueueError',
    'QueueHandler',
    'QueueService',
    'QueueWorker',
    'SimpleQueueModule',
    'UnprocessableError',
    'constant',
    'createEntities',
    'custom',
    'defineJob',
    'exponential',
    'getQueueServiceToken',
    'getQueueWorkerToken',
    'getSimpleQueueOptionsToken',
    'linear',
  ]);
});
