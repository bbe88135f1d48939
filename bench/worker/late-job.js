import pg from 'pg';
import { Uuid7 } from '../dist/lib/runtime/uuid7.js';
import { BULK_ROWS } from '../systems/floor.sql.js';
import { now, rest } from './clock.js';

const ids = new Uuid7();
const open = new Map();

/**
 * A job that an application writes with its own SQL and commits `lateMs` later: nothing of the library runs here, so nothing wakes the
 * worker. First call: writes it. Second call: commits when its time has come.
 */
export async function lateJob(url, { n, lateMs }) {
  const known = open.get(n);
  if (!known) return write(url, n);
  await rest(Math.max(0, known.writtenAt + lateMs - now()));
  await known.client.query('commit');
  const committedAt = now();
  await known.client.end();
  return { committedAt };
}

async function write(url, n) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query(
    `select id, queue from simple_queue.lane where name = '' order by id limit 1`,
  );
  await client.query('begin');
  await client.query(BULK_ROWS, [[ids.next()], [JSON.stringify({ n })], rows[0].id, rows[0].queue]);
  open.set(n, { client, writtenAt: now() });
  return {};
}
