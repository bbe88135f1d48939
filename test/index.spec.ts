import { expect, it } from '@jest/globals';
import * as api from '../lib/index.js';
import * as testing from '../lib/testing/testing.js';

it('the public API is exactly this: a new name is a promise', () => {
  expect(Object.keys(api).sort()).toEqual([
    'BatchContext',
    'CriticalError',
    'DatabaseError',
    'HandleJob',
    'InjectQueue',
    'Job',
    'JobContext',
    'JobQueue',
    'JobResult',
    'OnJobEvent',
    'Permit',
    'PostgresJobQueue',
    'Queue',
    'QueueAdmin',
    'QueueDoctor',
    'QueueError',
    'QueueHandler',
    'QueueHealth',
    'QueueService',
    'QueueWorker',
    'SimpleQueueModule',
    'UnprocessableError',
    'constant',
    'createEntities',
    'custom',
    'defineJob',
    'exponential',
    'getJobQueueToken',
    'getQueueAdminToken',
    'getQueueContext',
    'getQueueDoctorToken',
    'getQueueHealthToken',
    'getQueueServiceToken',
    'getQueueToken',
    'getQueueWorkerToken',
    'getSimpleQueueOptionsToken',
    'linear',
  ]);
});

it('the test kit is exactly this', () => {
  expect(Object.keys(testing).sort()).toEqual([
    'InMemoryJobQueue',
    'RecordingQueueService',
    'SimpleQueueTestingModule',
    'advanceTime',
    'clear',
    'crashBeforeSettle',
    'drain',
    'expectEnqueued',
    'loseLease',
    'queueMatchers',
    'runInline',
    'runNext',
  ]);
});
