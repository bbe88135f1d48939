/**
 * What operators did, by the dashboard, the command line and `QueueAdmin`: see docs/adr/0048-who-did-what.md. Written before the act, completed
 * behind it; the janitor keeps 90 days and 50,000 rows.
 */
export const AUDIT = [
  `create table simple_queue.operator_action (
    id uuid not null,
    shard smallint not null,
    at simple_queue.moment not null default clock_timestamp(),
    actor text not null check (length(actor) between 1 and 200),
    action text not null check (length(action) between 1 and 100),
    selector jsonb not null,
    counts jsonb,
    failed text,
    ended_at simple_queue.moment,
    primary key (id, shard),
    check (octet_length(selector::text) <= 16384 and octet_length(counts::text) <= 16384)
  )`,
  `create index operator_action_at on simple_queue.operator_action (at, shard, id)`,
];
