import { expect, it } from '@jest/globals';
import * as admin from '../lib/admin.js';
import * as api from '../lib/index.js';
import * as pull from '../lib/pull.js';
import * as redis from '../lib/redis.js';
import * as schedules from '../lib/schedules.js';
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
    'JobResult',
    'OnJobEvent',
    'Permit',
    'Queue',
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
    'getQueueContext',
    'getQueueToken',
    'getToken',
    'linear',
  ]);
});

it('so are the parts of it that have paths of their own', () => {
  expect(Object.keys(admin).sort()).toEqual(['QueueAdmin', 'QueueDoctor', 'QueueHealth']);
  expect(Object.keys(pull).sort()).toEqual(['JobQueue', 'PostgresJobQueue']);
  expect(Object.keys(redis)).toEqual(['RedisJobQueue']);
  expect(Object.keys(schedules).sort()).toEqual(['QueueSchedule', 'QueueSchedules']);
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
    'expectScheduled',
    'expectWorkflow',
    'loseLease',
    'queueMatchers',
    'runInline',
    'runNext',
  ]);
});
