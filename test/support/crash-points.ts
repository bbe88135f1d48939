import type { DataSource, EntityManager } from 'typeorm';
import type { Job } from '../../lib/job/job.js';
import type { JobContext } from '../../lib/job/job-context.js';
import { eventually } from './eventually.js';

/** Where a fault may strike a handler whose effect and completion are one transaction. */
export const CRASH_POINTS = [
  'before-the-write',
  'after-the-write',
  'before-the-commit',
  'before-the-answer',
  'after-the-answer',
] as const;

export type CrashPoint = (typeof CRASH_POINTS)[number];

/** Who completes the job: the handler, or the library that opened its transaction. */
export const COMPLETIONS = ['complete', 'transactional'] as const;

export interface Striker {
  /** The point at which this run is struck; undefined: not at all. */
  pointOf: (job: Job<never>) => Promise<CrashPoint | undefined>;
  /** Kills the process, or the connection of this transaction. */
  strike: (manager: EntityManager) => Promise<void>;
  /** Another way to the database. */
  dataSource: () => DataSource;
}

/** The work of a handler in this transaction: one row in the ledger, and the fault at its point. Completes where `output` is given. */
export async function writeLedger(
  striker: Striker,
  { job, context, manager }: { job: Job<never>; context: JobContext; manager: EntityManager },
  output?: unknown,
): Promise<void> {
  const point = await striker.pointOf(job);
  const strikeAt = async (here: CrashPoint) => point === here && (await striker.strike(manager));
  if (point) strikeInCommit(striker, job, manager, point);
  await strikeAt('before-the-write');
  await manager.query('insert into ledger (job, pid) values ($1, $2)', [job.id, process.pid]);
  await strikeAt('after-the-write');
  if (output !== undefined) await context.complete(output, { manager });
}

/** The last three points lie in and around the COMMIT of the transaction, which TypeORM sends. */
function strikeInCommit(
  striker: Striker,
  job: Job<never>,
  manager: EntityManager,
  point: CrashPoint,
): void {
  const runner = manager.queryRunner!;
  const commit = runner.commitTransaction.bind(runner);
  runner.commitTransaction = async () => {
    if (point === 'before-the-commit') await striker.strike(manager);
    if (point === 'before-the-answer') return commitUnheard(striker, job, manager, commit);
    await commit();
    if (point === 'after-the-answer') await striker.strike(manager);
  };
}

/** The server commits, and its answer is not read any more: the socket is paused before the COMMIT leaves. */
async function commitUnheard(
  striker: Striker,
  job: Job<never>,
  manager: EntityManager,
  commit: () => Promise<void>,
): Promise<void> {
  const client = (await manager.queryRunner!.connect()) as {
    connection: { stream: { pause(): void } };
  };
  client.connection.stream.pause();
  const answer = commit();
  // Nobody waits for it where the process dies.
  answer.catch(() => undefined);
  await eventually(async () => (await rowsOf(striker.dataSource(), job.id)) === 1);
  await striker.strike(manager);
  return answer;
}

async function rowsOf(dataSource: DataSource, job: string): Promise<number> {
  return (await dataSource.query<unknown[]>('select 1 from ledger where job = $1', [job])).length;
}
