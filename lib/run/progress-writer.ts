import {
  checkedProgress,
  EACH_MS,
  jobProgress,
  type Progress,
  type SaidProgress,
  type StoredProgress,
} from '../job/progress.js';
import type { QueueEventBus } from '../observability/events.js';
import type { RunReports } from '../observability/run-reports.js';
import { Coalescer } from '../runtime/coalescer.js';
import { outside } from '../runtime/outside.js';
import type { Storage } from '../storage/storage.js';
import type { ToldProgress } from '../storage/settle/progress.repository.js';
import { DatabaseError } from '../storage/connection/database-errors.js';
import { isNodePostgres } from '../storage/connection/callers/caller-connection.js';
import { clientOf, type Joined } from '../storage/connection/callers/joined.js';
import type { JobRun } from './job-run.js';

/** SQLSTATE of a row that another transaction has changed since the snapshot. */
const CONFLICT = '40001';
const MAX_RUNS = 500;
const NOTHING: ReadonlyMap<string, StoredProgress> = new Map();

/**
 * Stores how far runs say that they have come: the newest of each, all with one statement, once per second and process. Handlers wait for none
 * of it, and no error of the database fails them: what is not stored, also since somebody holds the job's row, is tried again while the run
 * lasts. What a run said last is stored before its end, so that no end shows less than was said.
 */
export class ProgressWriter {
  private readonly news = new Map<JobRun, SaidProgress>();
  /** Runs of which something was stored. */
  private readonly stored = new WeakSet<JobRun>();
  /** Runs of calls that could not complete for it: no failures of theirs. */
  private readonly hindered = new WeakSet<JobRun>();
  /** By their query runners, transactions that can complete none of their runs. */
  private readonly transactions = new WeakMap<Joined['runner'], number>();
  /** Handlers of which nothing is stored any more. */
  private readonly mute = new WeakSet<object>();
  private timer: NodeJS.Timeout | undefined;
  private writtenAt = -Infinity;
  private readonly writes = new Coalescer<JobRun, void>((runs) => this.write(runs), {
    maxItems: MAX_RUNS,
    maxFlights: 1,
    isShared: () => true,
  });

  constructor(
    private readonly storage: Storage,
    private readonly events: QueueEventBus,
    private readonly reports: RunReports,
  ) {}

  /** Of a run that has ended nothing is news. @throws QueueError `INVALID_OPTION` */
  report(run: JobRun, progress: Progress): void {
    const said = checkedProgress(progress);
    if (run.settled || run.completed || this.mute.has(run.lane.handler)) return;
    this.news.set(run, said);
    this.writeSoon();
  }

  /** Asked before the end of every run. */
  hasNewsOf(run: JobRun): boolean {
    return this.news.size > 0 && this.news.has(run);
  }

  /** One try, and it is forgotten. */
  async writeLast(run: JobRun): Promise<void> {
    await this.writes.add(run);
    this.news.delete(run);
  }

  /** Could it not complete, or another of its call or its transaction, for what was stored here? */
  hinders(run: JobRun): boolean {
    return this.hindered.has(run) || this.isHindered(run.heldBy);
  }

  /**
   * The transaction of a completion or a checkpoint has a snapshot that is older than the job's row (REPEATABLE READ, SERIALIZABLE). Where that may
   * be for what was stored here, no attempt would end well: the run is given back, with all of its `call`, which may share the transaction, and those
   * that are known to share it; nothing is stored of its handler any more.
   * @throws what it was told
   */
  failed(
    run: JobRun,
    error: unknown,
    { call, joined }: { call: readonly JobRun[]; joined: Joined | undefined },
  ): never {
    if (error instanceof DatabaseError && error.sqlState === CONFLICT && this.stored.has(run)) {
      if (joined && isNodePostgres(clientOf(joined.runner)))
        this.transactions.set(joined.runner, joined.transaction);
      this.conflicted(run, call);
    } else if (this.isHindered(joined)) this.hindered.add(run);
    throw error;
  }

  private isHindered(joined: Joined | undefined): boolean {
    return joined !== undefined && this.transactions.get(joined.runner) === joined.transaction;
  }

  private conflicted(run: JobRun, call: readonly JobRun[]): void {
    const { handler, queue } = run.lane;
    const message = `Progress of a job of queue "${queue}" was stored after the snapshot of the transaction that was to complete it. The run is given back, and no more progress of its handler is stored here. Use READ COMMITTED.`;
    for (const each of call) this.hindered.add(each);
    if (this.mute.has(handler)) return;
    this.mute.add(handler);
    for (const each of this.news.keys()) if (each.lane.handler === handler) this.news.delete(each);
    this.events.emit('warning', () => ({ code: 'PROGRESS_CONFLICT', message }));
  }

  private writeSoon(): void {
    if (this.timer || this.news.size === 0) return;
    const restMs = Math.max(0, this.writtenAt + EACH_MS - performance.now());
    // It must not inherit the context of the handler that happens to speak first.
    this.timer = outside(() => setTimeout(() => void this.writeAll(), restMs).unref());
  }

  private async writeAll(): Promise<void> {
    await Promise.all([...this.news.keys()].map((run) => this.writes.add(run)));
    this.timer = undefined;
    this.writeSoon();
  }

  private async write(runs: JobRun[]): Promise<void[]> {
    const said = this.saidBy(runs);
    this.writtenAt = performance.now();
    try {
      const stored =
        said.length > 0
          ? await this.storage.progress.save(this.storage.database.settlers.run, said)
          : NOTHING;
      for (const { run, progress } of said) {
        const kept = stored.get(run.id);
        if (kept) this.stored.add(run);
        if (kept && this.news.get(run) === progress) this.news.delete(run);
        if (kept) this.reports.progressed(run, jobProgress(kept));
      }
    } catch (error) {
      this.events.emit('loopFailed', () => ({ loop: 'progress', error, restMs: EACH_MS }));
    }
    return [];
  }

  /** Of two runs of a job the earlier one has lost it. */
  private saidBy(runs: JobRun[]): (ToldProgress & { run: JobRun })[] {
    const said = new Map<string, ToldProgress & { run: JobRun }>();
    for (const run of runs) {
      if (run.settled) this.news.delete(run);
      const { id, epoch } = run;
      const progress = this.news.get(run);
      if (progress && epoch >= (said.get(id)?.epoch ?? 0))
        said.set(id, { run, id, epoch, progress });
    }
    return [...said.values()];
  }
}
