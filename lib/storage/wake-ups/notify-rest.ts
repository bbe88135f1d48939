import { DatabaseError } from '../connection/database-errors.js';

/** The queue of notifications is full: somebody who listens has not read them. Or we may not send any. */
const REFUSALS: ReadonlySet<string | undefined> = new Set(['54000', '42501']);
const REST_MS = 60_000;

export const isNotifyRefusal = (error: unknown): error is DatabaseError =>
  error instanceof DatabaseError && REFUSALS.has(error.sqlState);

/** What PostgreSQL refuses is not asked for with each job: it rests for a minute, and that is said once until a NOTIFY gets through. */
export class NotifyRest {
  private until = -Infinity;
  private isSaid = false;

  constructor(private readonly onRefused: (error: DatabaseError) => void) {}

  get isOn(): boolean {
    return performance.now() < this.until;
  }

  begin(error: unknown): void {
    if (!isNotifyRefusal(error)) return;
    this.until = performance.now() + REST_MS;
    if (!this.isSaid) this.onRefused(error);
    this.isSaid = true;
  }

  gotThrough(): void {
    this.isSaid = false;
  }
}

export function notifyRefused({ message }: Error): { code: string; message: string } {
  const advice = `Jobs are stored all the same, and other processes find them when they poll. Look for a session that listens and whose transaction stays open (pg_notification_queue_usage()), and for the right to execute pg_notify. This is said once until a NOTIFY gets through.`;
  return { code: 'NOTIFY_REFUSED', message: `PostgreSQL refuses to notify: ${message}. ${advice}` };
}
