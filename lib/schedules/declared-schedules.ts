import { QueueError } from '../job/queue.errors.js';
import type { FoundSchedule } from '../job/schedule.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import type { Storage } from '../storage/storage.js';
import { draftOf, type Draft } from './draft.js';
import { ScheduleBook } from './schedule-book.js';
import { checkScheduleName } from './spec-rules.js';

/** How often a worker looks whether what it declares is what is kept. */
const CHECK_MS = 30_000;

/** What is declared in code: checked before anything starts, written at the start of a process that works, and kept true. */
export class DeclaredSchedules {
  private drafts = new Map<string, Draft>();
  private checkedAt = -Infinity;
  private readonly book: ScheduleBook;

  constructor(
    private readonly storage: Storage,
    private readonly options: ResolvedOptions,
    /** Of the handlers, once they are explored. */
    private readonly found: () => readonly FoundSchedule[],
  ) {
    this.book = new ScheduleBook(storage.schedules);
  }

  get names(): string[] {
    return [...this.drafts.keys()];
  }

  has(name: string): boolean {
    return this.drafts.has(name);
  }

  /** @throws QueueError as `QueueSchedules.put`, `SCHEDULE_DUPLICATE`: a wrong declaration stops the start. */
  async onModuleInit(): Promise<void> {
    const labels = new Map<string, string>();
    for (const { target, jobName, label, schedule } of this.found()) {
      const { name = nameOf(target, jobName), job, ...rest } = schedule;
      const twin = labels.get(checkScheduleName(name));
      if (twin !== undefined) throw duplicate(name, twin, label);
      labels.set(name, label);
      const named = jobName ? { name: jobName, ...job } : job;
      const given = { ...rest, target, ...(named && { job: named }) };
      this.drafts.set(
        name,
        await draftOf(name, given, { options: this.options, call: '@QueueSchedule' }),
      );
    }
  }

  /** A process with `worker: false` writes nothing: its handlers do not run there, so it cannot say what does. */
  async onApplicationBootstrap(): Promise<void> {
    if (!this.options.worker) return;
    const drafts = [...this.drafts.values()];
    if (drafts.length === 0) return;
    await this.storage.served(async () => {
      await this.write(drafts);
      // Until the worker has its lease nobody else knows that they are declared.
      await this.storage.schedules.see(null, drafts);
    });
  }

  /**
   * Of a fleet whose builds differ the one that started last has the word, as long as a worker that says the same is alive; then those that are
   * left say what they declare. What is gone by mistake comes back.
   */
  async check(lease: string | undefined, now = performance.now()): Promise<void> {
    if (this.drafts.size === 0 || now - this.checkedAt < CHECK_MS) return;
    const drafts = [...this.drafts.values()];
    if (lease) await this.storage.schedules.see(lease, drafts);
    const rows = await this.storage.schedules.byName(this.storage.database.loops.run, [
      ...this.drafts.keys(),
    ]);
    const kept = new Set(rows.filter(({ alive }) => alive).map(({ name }) => name));
    await this.write(
      drafts.filter(({ name }) => !kept.has(name)),
      lease,
    );
    this.checkedAt = now;
  }

  private async write(drafts: Draft[], lease?: string): Promise<void> {
    const { run } = this.storage.database.waiters;
    for (const draft of drafts)
      await this.book.write(run, draft, { owner: this.options.schedules.owner, lease });
  }
}

/** That of its handler: the queue, and the job's name behind a slash. */
function nameOf(target: FoundSchedule['target'], jobName: string): string {
  const [queue, name] =
    typeof target === 'string' ? [target, jobName] : [target.queue, target.name];
  return name === '' ? queue : `${queue}/${name}`;
}

function duplicate(name: string, first: string, second: string): QueueError {
  return new QueueError(
    'SCHEDULE_DUPLICATE',
    `Two schedules are called "${name}": those of ${first} and of ${second}. Give one of them a name: @QueueSchedule(cron, { name: '...' }).`,
  );
}
