import { expect, it } from '@jest/globals';
import * as admin from '../lib/admin.js';
import * as api from '../lib/index.js';
import * as pull from '../lib/pull.js';
import * as redis from '../lib/redis.js';
import * as schedules from '../lib/schedules.js';
import * as testing from '../lib/testing/testing.js';
import { exportsOf } from './support/exports-of.js';

const namesOf = (module: object): string[] => Object.keys(exportsOf(module));

it('the public API is exactly this: a new name is a promise', () => {
  expect(namesOf(api).sort()).toEqual([
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
  expect(namesOf(admin).sort()).toEqual(['QueueAdmin', 'QueueDoctor', 'QueueHealth']);
  expect(namesOf(pull).sort()).toEqual(['JobQueue', 'PostgresJobQueue']);
  expect(namesOf(redis)).toEqual(['RedisJobQueue']);
  expect(namesOf(schedules).sort()).toEqual(['QueueSchedule', 'QueueSchedules']);
});

it('the test kit is exactly this', () => {
  expect(namesOf(testing).sort()).toEqual([
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
