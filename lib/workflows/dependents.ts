import type { QueueEventBus } from '../observability/events.js';
import { QueuePolicies, type Retention } from '../options/queue-policy.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import type { Run } from '../storage/connection/database.js';
import type { Decided } from '../storage/staged/staged.repository.js';
import type { Storage } from '../storage/storage.js';
import { wakeUpFor, type Placed } from '../storage/wake-ups/wake-up.js';
import { CircleLook } from './circle-look.js';
import { Passed, unlessPassed } from './left-over.js';

interface DependentsSite {
  storage: Storage;
  options: ResolvedOptions;
  events: QueueEventBus;
}

const FIRST = '0';
/** In one round, which workflows wait for. */
const MAX_PAGES = 10;
const MAX_DECIDED = 1_000;

/** Jobs that depend on others (`dependsOn`): staged until those have succeeded. */
export class Dependents {
  private readonly keep: Retention;
  /** How far the look of this process has come. */
  private after = FIRST;
  private readonly circles: CircleLook;

  constructor(private readonly site: DependentsSite) {
    this.keep = new QueuePolicies(site.options).byQueue('deadLetterKeepMs');
    this.circles = new CircleLook(site.storage.staged);
  }

  /** There is more of this look. */
  get isUnderWay(): boolean {
    return this.after !== FIRST || this.circles.isUnderWay;
  }

  /** Some pages of them; how many are decided. */
  async round(): Promise<number> {
    let decided = 0;
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      decided += await this.page();
      if (this.after === FIRST || decided >= MAX_DECIDED) break;
    }
    return decided + (await this.open());
  }

  /** One job of each ends; the others hear of that as of any end. */
  private async open(): Promise<number> {
    const found = await this.circles.page();
    if (found.length === 0) return 0;
    const { database } = this.site.storage;
    return database.loops.transaction((run) => this.fail(run, found)).then(() => {
      this.tell(found, []);
      return found.length;
    }, (error) => unlessPassed(error) ?? 0); // prettier-ignore
  }

  private async page(): Promise<number> {
    const { database, staged } = this.site.storage;
    let decided: Decided[] = [];
    let placed: Placed[] | undefined;
    await database.loops.transaction(async (run) => {
      const page = await staged.takeDependents(run, this.after);
      ({ decided } = page);
      this.after = page.last ?? FIRST;
      await this.fail(run, decided);
      placed = await this.commit(run, decided);
    }).catch(unlessPassed); // prettier-ignore
    if (!placed) return 0;
    this.tell(decided, placed);
    return decided.length;
  }

  /** Where others hold one of them, as where the turn of its group comes to it, all of the page are left for the next look. */
  private async fail(run: Run, decided: Decided[]): Promise<void> {
    const failed = decided.flatMap(({ id, failed: by }) =>
      by ? [[id, errorOf(by)] as const] : [],
    );
    if (failed.length === 0) return;
    const errors = Object.fromEntries(failed);
    const ended = await this.site.storage.staged.failDependents(run, { keep: this.keep, errors });
    if (ended < Object.keys(errors).length) throw new Passed();
  }

  private async commit(run: Run, decided: Decided[]): Promise<Placed[]> {
    const free = decided.flatMap(({ id, failed }) => (failed ? [] : [id]));
    if (free.length === 0) return [];
    return (await this.site.storage.staged.commit(run, free)).placed;
  }

  /** A turn of an ordered group may be vacant by an end. */
  private tell(decided: Decided[], placed: Placed[]): void {
    if (decided.length === 0) return;
    const { storage, events } = this.site;
    const jobs = decided.filter(({ failed }) => failed).length;
    const signal = wakeUpFor(placed);
    storage.signals.send({ ...signal, later: signal.later || jobs > 0 });
    if (jobs > 0) events.emit('expired', () => ({ jobs, because: 'dependency' }));
  }
}

function errorOf({ id, state }: NonNullable<Decided['failed']>): object {
  const what = state
    ? `has not succeeded: it is ${state}`
    : 'is unknown: it was purged, its end is not kept any more, or it was never enqueued';
  const message = `Job ${id}, which this one depends on, ${what}.`;
  return { name: 'QueueError', code: 'DEPENDENCY_FAILED', message };
}
