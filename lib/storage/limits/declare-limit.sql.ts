import { statement } from '../connection/statement.js';
import { CARRIED_OVER } from './buckets.sql.js';

/**
 * The first who declares a limit creates it. Another declaration takes its place only where no other process that shares in it declares what
 * is there ($11: the lease of this one), and no operator has set it: so the old word holds through a rolling deploy, and the new one after it.
 * What a 429 alone has made ('{}') nobody has declared: its name is free, and the rest is not that of the other kind.
 */
export const DECLARE_LIMIT = statement(
  'declare_limit',
  `insert into simple_queue.fleet_limit as l (name, shard, of_queue, concurrency, rate, per_ms, step_ms, burst, strict, rule)
  values ($2, $1, $3, $4::int, $5::int, $6::int, $7::float8, $8::int, $9, $10)
  on conflict (name, shard) do update
    set of_queue = excluded.of_queue, concurrency = excluded.concurrency, rate = excluded.rate, per_ms = excluded.per_ms, step_ms = excluded.step_ms,
      burst = excluded.burst, strict = excluded.strict, rule = excluded.rule, version = excluded.version, next_at = ${CARRIED_OVER},
      held_until = case when l.of_queue = excluded.of_queue then l.held_until end
    where l.set_at is null and (l.of_queue = excluded.of_queue or l.rule = '{}') and l.rule <> excluded.rule and not exists (
      select from simple_queue.allotment a
      where a.name = $2 and a.shard = $1 and a.declares = l.rule and a.lease is distinct from $11::uuid
        and exists (select from simple_queue.lease e where e.id = a.lease and e.shard = $1 and e.expires_at > statement_timestamp()))
  returning 1`,
);

/**
 * An operator's word, which no declaration overrules: whole, in place of what was there, a rest included. No row: there is no such limit, and $11 (whether the
 * name is a queue's) creates none.
 */
export const SET_LIMIT = statement(
  'set_limit',
  `insert into simple_queue.fleet_limit as l (name, shard, of_queue, concurrency, rate, per_ms, step_ms, burst, strict, rule, set_at)
  select $2, $1, $3, $4::int, $5::int, $6::int, $7::float8, $8::int, $9, $10, statement_timestamp()
  where $3 and exists (select from simple_queue.queue where name = $2)
    or exists (select from simple_queue.fleet_limit where name = $2 and shard = $1)
  on conflict (name, shard) do update
    set concurrency = excluded.concurrency, rate = excluded.rate, per_ms = excluded.per_ms, step_ms = excluded.step_ms, burst = excluded.burst,
      strict = excluded.strict, rule = excluded.rule, version = excluded.version, set_at = excluded.set_at,
      next_at = ${CARRIED_OVER}, held_until = null
  returning 1`,
);
