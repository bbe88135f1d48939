import { randomUUID } from 'node:crypto';
import type { Lane } from '../../lib/job/lane.js';
import type { TestDatabase } from './database.js';
import { PLACES } from './places.js';

export interface JobRowOptions {
  state?: 'ready' | 'scheduled' | 'suspect' | 'running';
  id?: string;
  queue?: string;
  name?: string;
  epoch?: number;
  priority?: number;
  suspicion?: number;
  stalls?: number;
  attempt?: number;
  reschedules?: number;
  /** An interval from now; default `-1 second`, for a scheduled job `1 hour`. */
  due?: string;
  cancelRequested?: boolean;
  uniqueKey?: string;
  fingerprint?: string;
  payload?: unknown;
  /** Of a running job: its lease (default a new one that lives) and its claim (default a new one with this job alone). */
  lease?: string;
}

export interface JobRow {
  id: string;
  epoch: number;
  lane: number;
  claim: string;
  lease: string;
}

const TABLES = [
  ...PLACES,
  'job',
  'lease',
  'lapsed',
  'throttle',
  'given_id',
  'operator_action',
  'allotment',
  'fleet_limit',
];

/** Small tables are emptied by deleting: new files for all of them and their indexes take a hundred times as long. */
const CLEAR = `do $$ declare leaf regclass; begin
  for leaf in
    select c.oid from pg_class c left join pg_inherits i on i.inhrelid = c.oid, unnest(array['${TABLES.join("', '")}']) name
    where coalesce(i.inhparent, c.oid) = ('simple_queue.' || name)::regclass and c.relkind = 'r'
  loop
    if pg_relation_size(leaf) > 65536 then execute 'truncate ' || leaf;
    elsif pg_relation_size(leaf) > 0 then execute 'delete from ' || leaf;
    end if;
  end loop;
end $$`;

/** Makes rows as the library leaves them, straight in the tables. */
export class Rows {
  constructor(private readonly database: TestDatabase) {}

  async clear(): Promise<void> {
    await this.database.query(CLEAR);
  }

  /** New files, without statistics. */
  async truncate(): Promise<void> {
    await this.database.query(
      `truncate ${TABLES.map((table) => `simple_queue.${table}`).join(', ')}`,
    );
  }

  async lane(queue = 'mail', name = ''): Promise<Lane> {
    await this.database.query(
      `insert into simple_queue.queue (name) values ($1) on conflict do nothing`,
      [queue],
    );
    await this.database.query(
      `insert into simple_queue.lane (queue, name) select id, $2 from simple_queue.queue where name = $1 on conflict do nothing`,
      [queue, name],
    );
    const [lane] = await this.database.query<Lane>(
      `select l.id, l.queue as "queueId", q.name as queue, l.name, l.labels from simple_queue.lane l
       join simple_queue.queue q on q.id = l.queue where q.name = $1 and l.name = $2 and l.labels = '{}'`,
      [queue, name],
    );
    return lane!;
  }

  /** A queue's lanes `name-<from>` to `name-<to>`, or of the labels `id-<n>`. Numbers are random, so a few of many may meet: they are drawn again. */
  async lanes(
    queueId: number,
    from: number,
    to: number,
    kind: 'names' | 'labels' = 'names',
  ): Promise<void> {
    const columns = kind === 'names' ? `'name-' || n, '{}'::text[]` : `'', array['id-' || n]`;
    let made: unknown[];
    do {
      made = await this.database.query(
        `insert into simple_queue.lane (queue, name, labels, created_at)
         select $1, ${columns}, now() - interval '1 day' from generate_series($2::int, $3::int) n on conflict do nothing returning id`,
        [queueId, from, to],
      );
    } while (made.length > 0);
  }

  /** `life` is an interval from now; a negative one has run out. */
  async lease(life = '1 hour', worker = 'worker-1'): Promise<string> {
    const id = randomUUID();
    await this.database.query(
      `insert into simple_queue.lease (id, shard, worker, expires_at) values ($1, 0, $2, now() + $3::interval)`,
      [id, worker, life],
    );
    return id;
  }

  /** `age` is how long ago it was made. */
  async claim(jobs: { id: string; epoch: number }[], lease: string, age = '0'): Promise<string> {
    const id = randomUUID();
    await this.database.query(
      `insert into simple_queue.claim (id, shard, lease, created_at, jobs, epochs) values ($1, 0, $2, now() - $3::interval, $4, $5)`,
      [id, lease, age, jobs.map((job) => job.id), jobs.map((job) => job.epoch)],
    );
    return id;
  }

  async job(options: JobRowOptions = {}): Promise<JobRow> {
    const { state = 'ready', id = randomUUID(), epoch = 0 } = options;
    const lane = (await this.lane(options.queue, options.name)).id;
    await this.store(id, lane, options);
    const row = { id, epoch, lane, claim: '', lease: '' };
    if (state !== 'running') {
      await this.place(id, state);
      return row;
    }
    const lease = options.lease ?? (await this.lease());
    return { ...row, lease, claim: await this.claim([row], lease) };
  }

  async jobs(count: number, options: JobRowOptions = {}): Promise<JobRow[]> {
    const rows: JobRow[] = [];
    for (let n = 0; n < count; n++) rows.push(await this.job(options));
    return rows;
  }

  private async store(id: string, lane: number, options: JobRowOptions): Promise<void> {
    const {
      state = 'ready',
      epoch = 0,
      priority = 0,
      stalls = 0,
      attempt = 0,
      reschedules = 0,
    } = options;
    // No id of the library, so it was its caller's.
    await this.database.query(
      'insert into simple_queue.given_id (id, shard) values ($1, 0) on conflict do nothing',
      [id],
    );
    await this.database.query(
      `insert into simple_queue.job (id, shard, lane, queue, epoch, priority, suspicion, stalls, attempt, reschedules, run_at, cancel_at,
         unique_key, fingerprint, payload)
       select $1, 0, l.id, l.queue, $3, $4, $5, $6, $7, $8, now() + $9::interval, case when $10 then now() end, $11, $12, $13
       from simple_queue.lane l where l.id = $2`,
      [
        id,
        lane,
        epoch,
        priority,
        options.suspicion ?? (state === 'suspect' ? 1 : 0),
        stalls,
        attempt,
        reschedules,
        options.due ?? (state === 'scheduled' ? '1 hour' : '-1 second'),
        options.cancelRequested ?? false,
        options.uniqueKey,
        options.fingerprint,
        JSON.stringify('payload' in options ? options.payload : { n: 1 }),
      ],
    );
  }

  private async place(id: string, table: 'ready' | 'scheduled' | 'suspect'): Promise<void> {
    const degree = table === 'suspect' ? 'suspicion' : 'priority';
    await this.database.query(
      `insert into simple_queue.${table} (id, shard, lane, ${degree}, run_at, epoch)
       select id, shard, lane, ${degree}, run_at, epoch from simple_queue.job where id = $1`,
      [id],
    );
  }
}
