import 'reflect-metadata';
import { initializeTransactionalContext, StorageDriver } from 'typeorm-transactional';
import { carriesContext } from './trials/context.js';
import { tellsItsHealth } from './trials/health.js';
import { runsEnhancers } from './trials/nest.js';
import { injectsQueues } from './trials/queues.js';
import { runsReceipts } from './trials/receipts.js';
import { tracesJobs } from './trials/telemetry.js';
import { joinsTransactions } from './trials/transactions.js';

// What scripts/consumers.mjs compiles and runs in applications that have the packed library: each trial is a Nest application.
const TRIALS = {
  'enqueue in a transaction': runsReceipts,
  'guards and request scope': runsEnhancers,
  'nestjs-cls': carriesContext,
  'ambient transactions': joinsTransactions,
  'injected queues': injectsQueues,
  OpenTelemetry: tracesJobs,
  terminus: tellsItsHealth,
};

async function main(): Promise<void> {
  initializeTransactionalContext({ storageDriver: StorageDriver.ASYNC_LOCAL_STORAGE });
  for (const trial of Object.values(TRIALS)) await trial();
  console.log(Object.keys(TRIALS).join(', '));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
