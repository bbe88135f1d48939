import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { PLAIN_INSERT } from '../systems/floor.sql.js';
import { now } from './clock.js';

const ORDER = 'insert into orders (body) values ($1::jsonb)';

/** What a transaction does beside saving an order. */
const EXTRAS = {
  nothing: async () => undefined,
  insert: (manager, n) => manager.query(PLAIN_INSERT, [randomUUID(), JSON.stringify({ n })]),
  enqueue: (manager, n, system) => system.enqueueIn(manager, n),
};

/**
 * Transactions of an application on TypeORM, one after another: with nothing more than its own INSERT, with a second plain INSERT, with
 * a job. The three take turns, so that what disturbs one disturbs all.
 */
export async function transactions(system, { count, url, kinds }) {
  // An application has one DataSource, and gives it to what works on it.
  const dataSource =
    system.dataSource ?? (await new DataSource({ type: 'postgres', url }).initialize());
  const took = Object.fromEntries(kinds.map((kind) => [kind, new Float64Array(count)]));
  const warm = Math.min(200, count);
  for (let n = -warm; n < count; n++) {
    for (const kind of kinds) {
      const ms = await once(dataSource, (manager) => EXTRAS[kind](manager, n, system));
      if (n >= 0) took[kind][n] = ms;
    }
  }
  if (dataSource !== system.dataSource) await dataSource.destroy();
  return { took };
}

async function once(dataSource, extra) {
  const start = now();
  await dataSource.transaction(async (manager) => {
    await manager.query(ORDER, ['{"total": 1}']);
    await extra(manager);
  });
  return now() - start;
}
