// #region module
import { Module } from '@nestjs/common';
import { JobQueue } from 'nestjs-simple-queue/pull';
import { RedisJobQueue } from 'nestjs-simple-queue/redis';
import { createClient } from 'redis';

/** Whoever injects `JobQueue` gets it. */
@Module({
  providers: [
    {
      provide: JobQueue,
      useFactory: async () => {
        const client = createClient({ url: process.env.REDIS_URL! });
        // Without a listener an error of the connection would end the process. Calls report it as well.
        client.on('error', () => undefined);
        await client.connect();
        return RedisJobQueue.start({ client, leaseMs: '30 s' });
      },
    },
  ],
  exports: [JobQueue],
})
export class RedisEdgeModule {}
// #endregion
