import { refuseCircles, waitingTargets } from '../../options/outcome-rules.js';
import { refuse } from '../../options/resolve-options.js';
import type { ResolvedOptions } from '../../options/simple-queue.options.js';
import type { Database } from '../connection/database.js';
import type { Lanes } from '../lanes/lanes.js';
import { REGISTER_QUEUES } from '../lanes/register-lanes.sql.js';
import { DECLARE_OUTCOMES, LIST_OUTCOMES, LOCK_OUTCOMES } from './declare-outcomes.sql.js';

type Declared = Map<string, string | false>;

/** Which queues store the ends of their jobs as jobs of others. It is in the database: whoever ends a job there need not know it. */
export class OutcomeRepository {
  private readonly declared: Declared;

  constructor(
    private readonly database: Database,
    private readonly lanes: Lanes,
    private readonly queues: ResolvedOptions['queues'],
  ) {
    this.declared = new Map(
      [...queues].flatMap(([name, { outcomes }]) =>
        outcomes === undefined ? [] : [[name, outcomes] as const],
      ),
    );
  }

  /**
   * Stores what this process says, where something else is there. What it does not speak of stays.
   * @throws QueueError `OUTCOMES_CIRCULAR`, `INVALID_OPTION`, also with what others have declared.
   */
  async declare(): Promise<void> {
    if (this.queues.size === 0 || (await this.stands())) return;
    const { loops } = this.database;
    const pairs = [...this.declared].filter(([, target]) => target !== false) as [string, string][];
    // Not those that are remembered: the tables may have been emptied.
    await this.lanes.register(pairs.map(([, queue]) => ({ queue, name: '' })));
    const lanes = await Promise.all(pairs.map(([, target]) => this.lanes.of(target, '')));
    if (pairs.length > 0) await loops.run(REGISTER_QUEUES, [pairs.map(([queue]) => queue)]);
    await loops.transaction(async (run) => {
      await run(LOCK_OUTCOMES, []);
      refuseCircles(this.with(await run<Row>(LIST_OUTCOMES, [])));
      const silent = [...this.declared.keys()].filter(
        (queue) => this.declared.get(queue) === false,
      );
      const queues = pairs.map(([queue]) => queue);
      await run(DECLARE_OUTCOMES, [queues, lanes.map(({ id }) => id), silent]);
    });
  }

  /** What others have declared, and does not fit this process. */
  async misfits(): Promise<string[]> {
    if (this.queues.size === 0) return [];
    const rows = await this.database.loops.run<Row>(LIST_OUTCOMES, []);
    return waitingTargets(this.with(rows), this.queues);
  }

  private async stands(): Promise<boolean> {
    const rows = await this.database.loops.run<Row>(LIST_OUTCOMES, []);
    const known = new Map(rows.map(({ queue, target }) => [queue, target]));
    refuse(waitingTargets(this.with(rows), this.queues));
    return [...this.declared].every(([queue, target]) => (known.get(queue) ?? false) === target);
  }

  /** All of them, as they will be. */
  private with(rows: Row[]): Map<string, string> {
    const all: Declared = new Map(rows.map(({ queue, target }) => [queue, target]));
    for (const [queue, target] of this.declared) all.set(queue, target);
    return new Map([...all].filter(([, target]) => target !== false) as [string, string][]);
  }
}

interface Row {
  queue: string;
  target: string;
}
