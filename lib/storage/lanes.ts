import type { Database } from './database.js';
import { LIST_LANES, REGISTER_LANES, REGISTER_QUEUES } from './sql/register-lanes.sql.js';

/** What is claimed: the jobs of one name in one queue. */
export interface Lane {
  id: number;
  queueId: number;
  queue: string;
  name: string;
}

/** Lanes by name and id, registered on first use outside any caller's transaction, and kept: a lane is never removed. */
export class Lanes {
  private readonly byId = new Map<number, Lane>();
  private readonly byName = new Map<string, Lane>();

  constructor(private readonly database: Database) {}

  get(id: number): Lane | undefined {
    return this.byId.get(id);
  }

  all(): Lane[] {
    return [...this.byId.values()];
  }

  newest(): number {
    return Math.max(0, ...this.byId.keys());
  }

  find(queue: string, name: string): Lane | undefined {
    return this.byName.get(keyOf(queue, name));
  }

  /** The lane of a queue and a job name, registered when it is new. */
  async of(queue: string, name: string): Promise<Lane> {
    const known = this.find(queue, name);
    if (known) return known;
    await this.register([{ queue, name }]);
    return this.find(queue, name)!;
  }

  async register(lanes: { queue: string; name: string }[]): Promise<void> {
    if (lanes.length === 0) return;
    const queues = lanes.map((lane) => lane.queue);
    await this.database.loops.run(REGISTER_QUEUES, [queues]);
    await this.database.loops.run(REGISTER_LANES, [queues, lanes.map((lane) => lane.name)]);
    await this.refresh();
  }

  async refresh(): Promise<void> {
    for (const lane of await this.database.loops.run<Lane>(LIST_LANES, [])) {
      this.byId.set(lane.id, lane);
      this.byName.set(keyOf(lane.queue, lane.name), lane);
    }
  }
}

/** A line feed is in no name. */
const keyOf = (queue: string, name: string): string => `${queue}\n${name}`;
