import { knownAcrossCopies } from './kinds.js';

/** Every code a `QueueError` can carry. Codes are stable: match on them, never on messages. */
export type QueueErrorCode =
  | 'BATCH_MISMATCH'
  | 'CHECKPOINT_TOO_LARGE'
  | 'CLOSED'
  | 'COMMIT_EXPIRED'
  | 'COMPLETION_ROLLED_BACK'
  | 'COMPENSATION_INVALID'
  | 'CONTEXT_INVALID'
  | 'CRITICAL'
  | 'DATABASE_ERROR'
  | 'DATABASE_READ_ONLY'
  | 'DATABASE_UNAVAILABLE'
  | 'DATA_SOURCE_MISSING'
  | 'DATA_SOURCE_NOT_READY'
  | 'DATA_SOURCE_UNSUPPORTED'
  | 'DEPENDENCY_FAILED'
  | 'DEPENDENCY_UNKNOWN'
  | 'GROUP_MIXED'
  | 'HANDLER_DUPLICATE'
  | 'HANDLER_INVALID'
  | 'HANDLER_MISSING'
  | 'HANDLER_UNMADE'
  | 'INVALID_CHECKPOINT'
  | 'INVALID_NAME'
  | 'INVALID_OPTION'
  | 'INVALID_OUTPUT'
  | 'INVALID_PAYLOAD'
  | 'ISOLATION_UNSUPPORTED'
  | 'JOB_CANCELLED'
  | 'JOB_HELD'
  | 'JOB_IS_STEP'
  | 'JOB_NOT_RUNNING'
  | 'JOB_POISONED'
  | 'JOB_RUNNING'
  | 'JOB_TIMEOUT'
  | 'LEASE_FOREIGN'
  | 'JOB_UNKNOWN'
  | 'LEASE_LOST'
  | 'LEASE_UNKNOWN'
  | 'LIMIT_HELD'
  | 'LIMIT_IN_USE'
  | 'LIMIT_KEY_INVALID'
  | 'LIMIT_NAME_TAKEN'
  | 'LIMIT_TIMEOUT'
  | 'LIMIT_UNKNOWN'
  | 'LIMIT_UNREACHABLE'
  | 'LOCK_TIMEOUT'
  | 'MANAGER_FOREIGN'
  | 'MANAGER_INACTIVE'
  | 'MODULE_INVALID'
  | 'NOTHING_DUE'
  | 'OUTCOMES_CIRCULAR'
  | 'OUTPUT_TOO_LARGE'
  | 'PAYLOAD_TOO_LARGE'
  | 'POSTGRES_TOO_OLD'
  | 'QUEUE_UNKNOWN'
  | 'QUEUE_FULL'
  | 'RESCHEDULE_EXPIRED'
  | 'RUN_TIMEOUT'
  | 'SCHEDULE_DECLARED'
  | 'SCHEDULE_DUPLICATE'
  | 'SCHEDULE_FOREIGN'
  | 'SCHEDULE_NEVER_RUNS'
  | 'SCHEDULE_PATTERN_INVALID'
  | 'SCHEDULE_TOO_LARGE'
  | 'SCHEDULE_UNKNOWN'
  | 'SCHEDULE_ZONE_UNKNOWN'
  | 'SCHEMA_AHEAD'
  | 'SCHEMA_BEHIND'
  | 'SHUTDOWN'
  | 'TEST_MODULE_MISSING'
  | 'TOO_MANY_LANES'
  | 'TRANSACTION_CONFLICT'
  | 'UNIQUE_KEY_TAKEN'
  | 'UNPROCESSABLE'
  | 'WAIT_ABORTED'
  | 'WAIT_IN_TRANSACTION'
  | 'WAIT_REFUSED'
  | 'WAIT_TIMEOUT'
  | 'WORKFLOW_ENDED'
  | 'WORKFLOW_INVALID'
  | 'WORKFLOW_RUNNING'
  | 'WORKFLOW_UNKNOWN'
  | 'WORKERS_LIVE'
  | 'WORKER_DISABLED'
  | 'WORKER_RUNNING';

/** The one error class of the library: says what happened, to which name or value, and what to do. */
export class QueueError extends Error {
  override readonly name: string = 'QueueError';

  constructor(
    readonly code: QueueErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** Thrown by a handler: the handler or its surroundings are broken. The job ends at once in the dead letter queue. */
export class CriticalError extends QueueError {
  override readonly name = 'CriticalError';

  constructor(message: string, options?: { cause?: unknown }) {
    super('CRITICAL', message, options);
  }
}

/** Thrown by a handler: this payload can never work. The job ends at once in the dead letter queue. */
export class UnprocessableError extends QueueError {
  override readonly name = 'UnprocessableError';

  constructor(message: string, options?: { cause?: unknown }) {
    super('UNPROCESSABLE', message, options);
  }
}

knownAcrossCopies(QueueError, 'error');
knownAcrossCopies(CriticalError, 'critical-error');
knownAcrossCopies(UnprocessableError, 'unprocessable-error');
