import { carriesContext } from './context.js';
import { joinsWhatIsGiven } from './given.js';
import { tellsItsHealth } from './health.js';
import { runsEachKind } from './kinds.js';
import { runsOnItsMigrations } from './migrations.js';
import { runsEnhancers } from './nest.js';
import { injectsQueues } from './queues.js';
import { runsReceipts } from './receipts.js';
import { tracesJobs } from './telemetry.js';
import { testsWithTheKit } from './test-kit.js';
import { joinsTransactions } from './transactions.js';

/** Each is a Nest application. They run in Node.js as it is, and in the test runner that `nest new` sets up. */
export const TRIALS = {
  'enqueue in a transaction': runsReceipts,
  'manager and query runner': joinsWhatIsGiven,
  'ambient transactions': joinsTransactions,
  'guards and request scope': runsEnhancers,
  'nestjs-cls': carriesContext,
  templates: injectsQueues,
  'each kind of queue': runsEachKind,
  'migrations and entities': runsOnItsMigrations,
  OpenTelemetry: tracesJobs,
  terminus: tellsItsHealth,
  'test kit': testsWithTheKit,
};
