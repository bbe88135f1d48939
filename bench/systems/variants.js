/**
 * What is measured: each system in its default configuration and in the best one that its documentation offers for throughput.
 * `settings.options` go to the system as they are.
 */
export const VARIANTS = {
  floor: variant(
    'floor',
    'limit: SQL by hand',
    'pg 8, no library, two statements in flight, batches of 500',
  ),
  'floor-insert': variant(
    'floor',
    'limit: SQL by hand',
    'pg 8, one plain INSERT a call, a connection a caller',
  ),
  'floor-bulk': variant('floor', 'limit: SQL by hand', 'pg 8, `unnest`, 5,000 jobs a statement'),
  ours: variant('nestjs-simple-queue', 'nestjs-simple-queue', 'defaults (10 at once a queue)'),
  'ours-wide': variant(
    'nestjs-simple-queue',
    'nestjs-simple-queue',
    '`concurrency` and `queueConcurrency` 200',
    {
      options: { concurrency: 200, queueConcurrency: 200 },
    },
  ),
  'ours-limit': variant(
    'nestjs-simple-queue',
    'nestjs-simple-queue',
    '`queues: { bench: { maxPending: 100,000 } }`',
    {
      options: { queues: { bench: { maxPending: 100_000 } } },
    },
  ),
  'ours-fleet': variant(
    'nestjs-simple-queue',
    'nestjs-simple-queue',
    '`queues: { bench: { fleetConcurrency: 1,000 } }`',
    { options: { queues: { bench: { fleetConcurrency: 1_000 } } } },
  ),
  'ours-rated': variant(
    'nestjs-simple-queue',
    'nestjs-simple-queue',
    '`queues: { bench: { rate: { limit: 1,000,000, perMs: 1,000 } } }`',
    { options: { queues: { bench: { rate: { limit: 1_000_000, perMs: 1_000 } } } } },
  ),
  'ours-uses': variant(
    'nestjs-simple-queue',
    'nestjs-simple-queue',
    '`limits: { api: { concurrency: 1,000 } }`, which the handler uses',
    { options: { limits: { api: { concurrency: 1_000 } } }, uses: ['api'] },
  ),
  'ours-keyed': variant(
    'nestjs-simple-queue',
    'nestjs-simple-queue',
    "`queues: { bench: { perKey: { by: 'n', concurrency: 10 } } }`, a key for each job",
    { options: { queues: { bench: { perKey: { by: 'n', concurrency: 10 } } } } },
  ),
  'ours-node-20': variant('nestjs-simple-queue', 'nestjs-simple-queue', 'defaults, on Node 20', {
    node: 20,
  }),
  'ours-metrics': variant(
    'nestjs-simple-queue',
    'nestjs-simple-queue',
    'with metrics, read every second',
    {
      telemetry: 'metrics',
    },
  ),
  'ours-sampled': variant(
    'nestjs-simple-queue',
    'nestjs-simple-queue',
    'with metrics, and traces of 1 % of the runs',
    {
      telemetry: 'sampled',
    },
  ),
  'ours-traced': variant(
    'nestjs-simple-queue',
    'nestjs-simple-queue',
    'with metrics, and traces of all runs',
    {
      telemetry: 'traced',
    },
  ),
  'ours-again': variant(
    'nestjs-simple-queue',
    'nestjs-simple-queue',
    '`backoff: constant({ delayMs: 0 })`',
    { backoffMs: 0 },
  ),
  'ours-untallied': variant('nestjs-simple-queue', 'nestjs-simple-queue', '`tally: false`', {
    options: { tally: false },
  }),
  graphile: variant('graphile-worker', 'graphile-worker 0.18', 'defaults (`concurrentJobs` 1)'),
  'graphile-best': variant(
    'graphile-worker',
    'graphile-worker 0.18',
    '`concurrentJobs` 24, `localQueue.size` 500, `completeJobBatchDelay` and `failJobBatchDelay` 0',
    {
      options: {
        concurrentJobs: 24,
        localQueue: { size: 500 },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      },
    },
  ),
  'graphile-quick': variant('graphile-worker', 'graphile-worker 0.18', '`concurrentJobs` 24', {
    options: { concurrentJobs: 24 },
  }),
  boss: variant('pg-boss', 'pg-boss 12', 'defaults (`batchSize` 1, polls each 2 s)'),
  'boss-best': variant(
    'pg-boss',
    'pg-boss 12',
    '`batchSize` 1000, `burstWhenBatchFull`, `localConcurrency` 2',
    {
      options: {
        work: {
          batchSize: 1_000,
          burstWhenBatchFull: true,
          localConcurrency: 2,
          pollingIntervalSeconds: 0.5,
        },
      },
    },
  ),
  'boss-notify': variant(
    'pg-boss',
    'pg-boss 12',
    '`notify`, `useListenNotify`, `localConcurrency` 4, `batchSize` 50, `burstWhenBatchFull`',
    {
      options: {
        boss: { useListenNotify: true },
        queue: { notify: true },
        work: {
          localConcurrency: 4,
          batchSize: 50,
          burstWhenBatchFull: true,
          pollingIntervalSeconds: 0.5,
        },
      },
    },
  ),
  'boss-flow': variant(
    'pg-boss',
    'pg-boss 12',
    '`flowIntervalSeconds` 1 (default 5), `pollingIntervalSeconds` 0.5, `localConcurrency` 4, `batchSize` 50, `burstWhenBatchFull`; no `notify`: it does not tell of jobs whose turn has come',
    {
      options: {
        boss: { flowIntervalSeconds: 1 },
        work: {
          localConcurrency: 4,
          batchSize: 50,
          burstWhenBatchFull: true,
          pollingIntervalSeconds: 0.5,
        },
      },
    },
  ),
  dbos: variant('dbos', 'DBOS 5', 'defaults (looks every second)'),
  'dbos-quick': variant('dbos', 'DBOS 5', '`minPollingIntervalMs` 5, `workerConcurrency` 200', {
    options: { queue: { minPollingIntervalMs: 5, workerConcurrency: 200 } },
  }),
  bull: variant('bullmq', 'BullMQ 6 on Redis', 'defaults (`concurrency` 1), Redis without fsync', {
    redis: 'plain',
  }),
  'bull-best': variant('bullmq', 'BullMQ 6 on Redis', '`concurrency` 100, Redis without fsync', {
    redis: 'plain',
    options: { concurrency: 100 },
  }),
  'bull-again': variant(
    'bullmq',
    'BullMQ 6 on Redis',
    '`concurrency` 100, `attempts` 2, Redis without fsync',
    { redis: 'plain', options: { concurrency: 100 }, jobOptions: { attempts: 2 } },
  ),
  'bull-fsync': variant('bullmq', 'BullMQ 6 on Redis', '`concurrency` 100, `appendfsync always`', {
    redis: 'durable',
    options: { concurrency: 100 },
  }),
  'graphile-200': variant(
    'graphile-worker',
    'graphile-worker 0.18',
    '`concurrentJobs` 200, `localQueue.size` 500, batch delays 0',
    {
      options: {
        concurrentJobs: 200,
        localQueue: { size: 500 },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      },
    },
  ),
  'bull-200': variant('bullmq', 'BullMQ 6 on Redis', '`concurrency` 200, Redis without fsync', {
    redis: 'plain',
    options: { concurrency: 200 },
  }),
  bullpg: variant('bullmq-postgres', 'BullMQ 6 on PostgreSQL', 'defaults (`concurrency` 1)'),
  'bullpg-best': variant('bullmq-postgres', 'BullMQ 6 on PostgreSQL', '`concurrency` 100', {
    options: { concurrency: 100 },
  }),
  'ours-held': variant(
    'nestjs-simple-queue',
    'nestjs-simple-queue',
    '`concurrency` and `queueConcurrency` 10,000',
    {
      options: { concurrency: 10_000, queueConcurrency: 10_000 },
    },
  ),
  'graphile-held': variant(
    'graphile-worker',
    'graphile-worker 0.18',
    '`concurrentJobs` 10,000, `localQueue.size` 500: no heartbeat, a lock of 4 hours',
    {
      options: { concurrentJobs: 10_000, localQueue: { size: 500 } },
    },
  ),
  'bull-held': variant('bullmq', 'BullMQ 6 on Redis', '`concurrency` 10,000', {
    redis: 'plain',
    options: { concurrency: 10_000 },
  }),
};

for (const [id, entry] of Object.entries(VARIANTS)) entry.id = id;

function variant(system, title, configuration, { node = 24, ...settings } = {}) {
  return { system, title, configuration, node, settings };
}

export const isOurs = (variant) => variant.system === 'nestjs-simple-queue';
export const onRedis = (variant) => variant.system === 'bullmq';
