import { setImmediate } from 'node:timers/promises';
import type { Enqueued, EnqueueItem } from '../job/enqueue-options.js';
import { Chunker, MAX_ROWS } from '../storage/enqueue/chunks.js';
import type { NewJob } from '../job/new-job.js';
import type { Lane } from '../job/lane.js';
import type { CheckedJob } from './new-job.js';

/** Items that are read before others get a turn: some tenth of a millisecond. */
const READ_AT_ONCE = 250;

/** What makes one item per job. */
interface Reading {
  check: (item: EnqueueItem, index: number) => CheckedJob;
  /** Gives them their lanes. */
  register: (jobs: CheckedJob[]) => Promise<void>;
}

/**
 * Worth storing while it is read: more than one statement's worth of plain items. Those with a unique key or an id are stored in the order
 * of their keys, and have all to be known first.
 */
export const isLarge = (items: EnqueueItem[]): boolean =>
  items.length > MAX_ROWS && items.every(isPlain);

/** What asks for more than a plain insert. */
const SPECIAL: readonly (keyof EnqueueItem)[] = [
  'uniqueKey',
  'id',
  'runAt',
  'delayMs',
  'group',
  'ordered',
  'staged',
  'dependsOn',
];

/** What is no item at all is found out when it is read. */
const isPlain = (item: EnqueueItem | null): boolean =>
  SPECIAL.every((option) => item?.[option] === undefined);

/** A large batch, read bit by bit: its reading overlaps with its storing, and holds up nothing else in the process. */
export class LargeBatch {
  readonly answers: Enqueued[] = [];
  /** Of each item. */
  readonly lanes: Lane[] = [];
  private readonly items: EnqueueItem[];

  constructor(
    items: EnqueueItem[],
    private readonly reading: Reading,
  ) {
    this.items = items.slice();
  }

  async *chunks(): AsyncGenerator<NewJob[]> {
    const chunker = new Chunker();
    for (let index = 0; index < this.items.length; index += READ_AT_ONCE) {
      for (const job of await this.read(index)) {
        const full = chunker.add(this.note(job));
        if (full) yield full;
      }
      await setImmediate();
    }
    yield chunker.take();
  }

  private async read(from: number): Promise<NewJob[]> {
    const items = this.items.slice(from, from + READ_AT_ONCE);
    const jobs = Array.from(items, (item, index) => this.reading.check(item, from + index));
    if (jobs.some(({ lane }) => !lane)) await this.reading.register(jobs);
    return jobs as NewJob[];
  }

  private note(job: NewJob): NewJob {
    this.answers.push({ id: job.id, created: true, outcome: 'created' });
    this.lanes.push(job.lane);
    return job;
  }
}
