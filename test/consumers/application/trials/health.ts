import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { QueueWorker } from 'nestjs-simple-queue';
import { QueueHealth } from 'nestjs-simple-queue/admin';
import assert from 'node:assert/strict';
import { database, queue, tryOut } from './trial.js';

/** terminus hears that the queue is ready, and that it is not when the worker has stopped. */
export const tellsItsHealth = () =>
  tryOut(
    { imports: [database(), queue(), TerminusModule.forRoot({ logger: false })] },
    async (app) => {
      const isReady = () => app.get(QueueHealth).isReady('queue', { timeoutMs: 50_000 });
      // Its own scope: it is no singleton.
      const health = await app.resolve(HealthCheckService);
      assert.equal((await health.check([isReady])).details.queue?.status, 'up');
      await app.get(QueueWorker).stop();
      await assert.rejects(health.check([isReady]), /Service Unavailable/);
    },
  );
