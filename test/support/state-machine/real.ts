import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import { QueueService } from '../../../lib/queue.service.js';
import { resolveOptions } from '../../../lib/resolve-options.js';
import type { Lane } from '../../../lib/storage/lanes.js';
import type { TestStorage } from '../storage.js';
import type { Model, ModelJob, ModelWorker } from './model.js';

export const QUEUE = 'machine';
const DAY_MS = 86_400_000;
const FIRST = '00000000-0000-0000-0000-000000000000';
export const KEEP = { archive: { '': DAY_MS }, deadLetter: { '': DAY_MS } };
const TABLES = ['job', 'ready', 'scheduled', 'suspect', 'claim', 'lease', 'archive', 'dead_letter'];

/** The repositories on a real database, and the workers that use them. */
export class Real {
  readonly queues: QueueService;
  workers: ModelWorker[] = [];
  lane!: Lane;

  constructor(readonly test: TestStorage) {
    this.queues = new QueueService(test.storage, resolveOptions({}).options, test.events);
  }

  get storage() {
    return this.test.storage;
  }

  /** An empty database and three workers. */
  async reset(model: Model): Promise<void> {
    await this.query(TABLES.map((table) => `delete from simple_queue.${table}`).join('; '));
    this.lane = await this.storage.lanes.of(QUEUE, '');
    this.workers = [];
    for (let n = 0; n < 3; n++) this.workers.push({ lease: await this.takeLease(model) });
  }

  async takeLease(model: Model): Promise<string> {
    const lease = randomUUID();
    await this.storage.leases.take(lease, 'worker', DAY_MS);
    model.liveLeases.add(lease);
    return lease;
  }

  async reap(maxStalls: number): Promise<void> {
    let after: string | null = FIRST;
    while (after) after = (await this.storage.leases.reap({ maxStalls, ...KEEP }, after)).last;
  }

  async query<Row extends object>(sql: string, params?: unknown[]): Promise<Row[]> {
    return this.test.database.query<Row>(sql, params);
  }

  /** The database says of every job what the model says, and each stands in exactly one place. */
  async compare(model: Model): Promise<void> {
    expect(await this.storage.jobs.checkPlaces()).toEqual([]);
    const rows = await this.query<ModelJob>(SHOWN);
    expect(rows.map(({ id }) => id)).toEqual([...model.jobs.keys()].sort());
    for (const row of rows) expect(row).toEqual(shownOf(model.jobs.get(row.id)!));
  }
}

/** From the view, as users see it, with what only the row knows. A job that were in two places, or ended twice, would come twice. */
const SHOWN = `select v.id, v.state, v.attempt, v.stalls, v.reschedules, (v.options ->> 'checkpoint')::int as checkpoint,
    v.cancel_at is not null as "cancelRequested", j.epoch, j.suspicion
  from simple_queue.jobs v left join simple_queue.job j on j.id = v.id order by v.id`;

function shownOf({ id, state, attempt, stalls, reschedules, checkpoint, ...live }: ModelJob): object {
  const ended = { cancelRequested: false, epoch: null, suspicion: null };
  const { cancelRequested, epoch, suspicion } = live;
  const inRow = ['ready', 'scheduled', 'running'].includes(state) ? { cancelRequested, epoch, suspicion } : ended;
  return { id, state, attempt, stalls, reschedules, checkpoint: checkpoint ?? null, ...inRow };
}
