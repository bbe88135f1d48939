import { NO_LABELS } from '../job/labels.js';
import { QueueError } from '../job/queue.errors.js';
import type { Database } from './database.js';
import { LIST_LANES, REGISTER_LANES, REGISTER_QUEUES } from './sql/register-lanes.sql.js';

/** What names a lane. Labels are sorted. */
export interface LaneName {
  queue: string;
  name: string;
  labels?: readonly string[];
}

/** What is claimed: the jobs of one name and one set of labels in one queue. */
export interface Lane extends LaneName {
  id: number;
  queueId: number;
  labels: readonly string[];
}

/** Lanes with labels of one queue: whoever puts ids into labels should learn it before every claim asks for thousands of lanes. */
export const MAX_LABELLED_LANES = 1_000;

/** Lanes of one queue beyond which somebody is told: whoever puts ids into names should learn it before every claim asks for all of them. */
export const MANY_LANES = 1_000;

/** Lanes by name and id, registered on first use outside any caller's transaction, and kept: a lane is never removed. */
export class Lanes {
  private readonly byId = new Map<number, Lane>();
  private readonly byName = new Map<string, Lane>();

  private readonly crowded = new Set<number>();

  /** `onCrowded` is told once of each queue that has more than `MANY_LANES`. */
  constructor(
    private readonly database: Database,
    private readonly onCrowded: (queue: string) => void = () => undefined,
  ) {}

  get(id: number): Lane | undefined {
    return this.byId.get(id);
  }

  all(): Lane[] {
    return [...this.byId.values()];
  }

  newest(): number {
    return Math.max(0, ...this.byId.keys());
  }

  find(queue: string, name: string, labels: readonly string[] = NO_LABELS): Lane | undefined {
    return this.byName.get(keyOf(queue, name, labels));
  }

  /**
   * The lane of a queue, a job name and a set of labels, registered when it is new.
   * @throws QueueError `TOO_MANY_LANES` when the queue has as many sets of labels as it may have.
   */
  async of(queue: string, name: string, labels: readonly string[] = NO_LABELS): Promise<Lane> {
    const known = this.find(queue, name, labels);
    if (known) return known;
    await this.register([{ queue, name, labels }]);
    const lane = this.find(queue, name, labels);
    if (!lane) throw tooMany(queue);
    return lane;
  }

  /** A lane that jobs of the database stand in, which this process may not have met; the queue `unknown` where nobody has registered it. */
  async byNumber(id: number): Promise<Lane> {
    if (!this.byId.has(id)) await this.refresh();
    return this.byId.get(id) ?? { id, queueId: 0, queue: 'unknown', name: '', labels: NO_LABELS };
  }

  async register(lanes: LaneName[]): Promise<void> {
    if (lanes.length === 0) return;
    const queues = lanes.map((lane) => lane.queue);
    await this.database.loops.run(REGISTER_QUEUES, [queues]);
    const names = lanes.map((lane) => lane.name);
    const labels = lanes.map((lane) => (lane.labels ?? NO_LABELS).join());
    await this.database.loops.run(REGISTER_LANES, [queues, names, labels, MAX_LABELLED_LANES]);
    await this.refresh();
  }

  async refresh(): Promise<void> {
    const counts = new Map<number, number>();
    for (const lane of await this.database.loops.run<Lane>(LIST_LANES, [])) {
      this.byId.set(lane.id, lane);
      this.byName.set(keyOf(lane.queue, lane.name, lane.labels), lane);
      counts.set(lane.queueId, (counts.get(lane.queueId) ?? 0) + 1);
      if (counts.get(lane.queueId)! > MANY_LANES) this.noteCrowd(lane);
    }
  }

  private noteCrowd({ queue, queueId }: Lane): void {
    if (this.crowded.has(queueId)) return;
    this.crowded.add(queueId);
    this.onCrowded(queue);
  }
}

/** A line feed is in no name, a comma in no label. */
const keyOf = (queue: string, name: string, labels: readonly string[]): string =>
  labels.length === 0 ? `${queue}\n${name}` : `${queue}\n${name}\n${labels.join()}`;

/** Names have no bound: a job that is refused for its name would be lost work, and old names stay registered. */
export function manyLanes(queue: string): { code: string; message: string } {
  const message = `Queue "${queue}" has more than ${MANY_LANES} lanes: sets of job name and labels. Each claim asks for all of them, and none is ever removed. A name says which handler a job is for; put ids into the payload, a fingerprint or a group.`;
  return { code: 'MANY_LANES', message };
}

function tooMany(queue: string): QueueError {
  return new QueueError(
    'TOO_MANY_LANES',
    `Queue "${queue}" has ${MAX_LABELLED_LANES} sets of labels, the most there may be. Labels say what a worker must have (gpu, eu); put ids into the payload, a fingerprint or a group.`,
  );
}
