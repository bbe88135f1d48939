import type { EntityManager } from 'typeorm';
import { QueueError } from '../job/queue.errors.js';
import { clientOf } from '../storage/connection/callers/joined.js';
import type { JobRun } from './job-run.js';

/**
 * Sent behind the statement that runs: the locks are free, and whatever the handler sends later fails (25P02). A connection that was closed would reject what
 * is in flight, and a rejection that nobody awaits ends the process.
 */
const FAIL = `rollback; begin; do $$ begin raise exception 'The run was settled without its handler.'; end $$`;

/**
 * Calls the handler of a transaction that is undone where the run is settled without it. Not behind its return: a commit that is on its way stays. What
 * it has begun in the transaction and not awaited is waited for: TypeORM would commit no more than the innermost savepoint.
 */
export async function abandonable<T>(
  run: JobRun,
  manager: EntityManager,
  call: () => Promise<T>,
): Promise<T> {
  const client = clientOf(manager.queryRunner!) as { query(text: string): Promise<unknown> };
  const undo = (text: string) => client.query(text).catch(() => undefined);
  const nested = new Nested(run, manager);
  run.abandon = () => {
    nested.hush();
    void undo(FAIL);
  };
  try {
    const [answer] = await nested.endedBehind(call);
    if (!run.settled && isNested(manager)) throw leftOpen(run);
    return answer;
  } finally {
    run.abandon = undefined;
    // TypeORM ends what it has begun itself, one level of it.
    if (run.settled || isNested(manager)) await undo('rollback');
  }
}

/** The transactions that a handler begins in that of its run. */
class Nested {
  private readonly open = new Set<Promise<unknown>>();

  constructor(
    private readonly run: JobRun,
    manager: EntityManager,
  ) {
    const begin = manager.transaction.bind(manager) as (...args: unknown[]) => Promise<unknown>;
    manager.transaction = (...args: unknown[]) => this.keep(() => begin(...args));
  }

  /** Returns when the handler has, and they have; one that failed unseen fails the run. */
  async endedBehind<T>(call: () => Promise<T>): Promise<[T]> {
    const [answer] = await Promise.allSettled([call()]);
    let failure: PromiseRejectedResult | undefined;
    while (this.open.size > 0) {
      const ends = await Promise.allSettled(this.open);
      failure ??= ends.find((end) => end.status === 'rejected');
    }
    if (answer.status === 'rejected') throw answer.reason;
    if (failure) throw failure.reason;
    return [answer.value];
  }

  /** They fail for the end of the run: that is nobody's fault who does not await them. */
  hush(): void {
    for (const each of this.open) each.catch(() => undefined);
  }

  private keep(begin: () => Promise<unknown>): Promise<unknown> {
    const kept = this.until(begin, () => this.open.delete(kept));
    this.open.add(kept);
    if (this.run.settled) this.hush();
    return kept;
  }

  private async until(begin: () => Promise<unknown>, end: () => void): Promise<unknown> {
    try {
      return await begin();
    } finally {
      end();
    }
  }
}

/** TypeORM counts what has begun in a transaction, and shows it to nobody. */
const isNested = ({ queryRunner }: EntityManager): boolean =>
  (queryRunner as unknown as { transactionDepth: number }).transactionDepth > 1;

const leftOpen = ({ id, queue }: JobRun): QueueError =>
  new QueueError(
    'COMPLETION_ROLLED_BACK',
    `The handler of job ${id} of queue "${queue}" returned while a transaction is open that it began inside the job's. End it first.`,
  );
