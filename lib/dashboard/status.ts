import type { QueueErrorCode } from '../job/queue.errors.js';

/** The status of an answer that is an error. */
export function statusOf(code: QueueErrorCode): number {
  if (/^DATABASE|^LOCK_TIMEOUT$|^CLOSED$|^LIMIT_HELD$/.test(code)) return 503;
  if (/_UNKNOWN$/.test(code)) return 404;
  if (/TOO_LARGE$/.test(code)) return 413;
  return /^INVALID|^SCHEDULE_PATTERN/.test(code) ? 400 : 409;
}
