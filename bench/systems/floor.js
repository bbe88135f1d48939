import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { Uuid7 } from '../dist/lib/runtime/uuid7.js';
import { BULK_ROWS, CLAIM_AND_DELETE, CLAIM_AND_KEEP, PLAIN_INSERT, SESSION } from './floor.sql.js';

const CHUNK = 5_000;
const BATCH = 500;
const FLIGHTS = 2;
const FIRST = { priority: -32_768, runAt: '-infinity', id: '00000000-0000-0000-0000-000000000000' };

/** The limit: the same tables and the same work by hand-written SQL, with no retries, limits, fences, outcomes or events. */
export async function open(settings) {
  const pool = new pg.Pool({ connectionString: settings.url, max: settings.connections ?? 4 });
  pool.on('connect', (client) => void client.query(SESSION));
  const { rows } = await pool.query(
    `select id, queue from simple_queue.lane where name = '' order by id limit 1`,
  );
  return new Floor({ settings, pool, lane: rows[0] });
}

class Floor {
  ids = new Uuid7();
  finished = [];
  ended = [];
  hint = FIRST;
  working = false;

  constructor({ settings, pool, lane }) {
    this.settings = settings;
    this.pool = pool;
    this.lane = lane;
  }

  numberOf(row) {
    return JSON.parse(row[3]).n;
  }

  enqueue(n) {
    return this.pool.query({
      name: 'plain_insert',
      text: PLAIN_INSERT,
      values: [this.ids.next(), JSON.stringify({ n })],
    });
  }

  async bulk(numbers) {
    const { id, queue } = this.lane;
    for (let start = 0; start < numbers.length; start += CHUNK) {
      const chunk = numbers.slice(start, start + CHUNK);
      const values = [
        chunk.map(() => this.ids.next()),
        chunk.map((n) => JSON.stringify({ n })),
        id,
        queue,
      ];
      await this.pool.query({ name: 'bulk_rows', text: BULK_ROWS, values });
    }
  }

  async start(handle) {
    this.working = true;
    this.flights = Array.from({ length: FLIGHTS }, () => this.fly(handle));
  }

  async stop() {
    this.working = false;
    await Promise.all(this.flights);
  }

  close() {
    return this.pool.end();
  }

  /** Two such loops keep the server and Node busy at once. */
  async fly(handle) {
    while (this.working || this.finished.length > 0) {
      const settling = this.finished.splice(0);
      const rows = await this.settleAndClaim(settling, this.ended.splice(0));
      if (rows.length > 0) await this.work(rows, handle);
      else if (settling.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async settleAndClaim(ids, claims) {
    const { priority, runAt, id } = this.hint;
    const wanted = this.working ? BATCH : 0;
    const text = this.settings.keep ? CLAIM_AND_KEEP : CLAIM_AND_DELETE;
    this.claim = randomUUID();
    const values = [ids, claims, this.lane.id, priority, runAt, id, wanted, this.claim];
    const query = { name: 'settle_and_claim', text, values, rowMode: 'array' };
    return (await this.pool.query(query)).rows.map((row) =>
      Object.assign(row, { claim: values[7] }),
    );
  }

  async work(rows, handle) {
    const last = rows.at(-1);
    if (last[2] > this.hint.runAt || this.hint === FIRST)
      this.hint = { priority: last[1], runAt: last[2], id: last[0] };
    const running = rows.map((row) => handle(row).then(() => this.finished.push(row[0])));
    await Promise.all(running);
    this.ended.push(last.claim);
  }
}
