import { afterAll, beforeAll } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { RedisJobQueue } from 'nestjs-simple-queue/redis';
import { CONTRACT_OPTIONS, jobQueueContract } from '../pull/job-queue.contract.js';
import { TestRedis, withRedis, type Redis } from '../support/redis.js';

withRedis('RedisJobQueue', () => {
  let redis: TestRedis;
  let client: Redis;

  beforeAll(async () => {
    // It warns of the server that keeps nothing.
    Logger.overrideLogger(false);
    redis = await TestRedis.start();
    client = await redis.client();
  });
  afterAll(() => redis.stop());

  jobQueueContract(async () => {
    const queue = await RedisJobQueue.start({ ...CONTRACT_OPTIONS, client });
    const key = (name: string) => `{simple-queue}:${name}`;
    return {
      queue,
      outlive: async (leaseId) => {
        await client.zAdd(key('leases'), { score: Date.now() - 1_000, value: leaseId });
      },
      untilDue: async (jobId) => {
        await client.zAdd(key('scheduled'), { score: Date.now() - 1_000, value: jobId });
      },
      close: async () => {
        queue.close();
        await client.flushAll();
      },
    };
  });
});
