/**
 * The whole schema. Rewritten rather than stacked until the first release; additive after it.
 *
 * Every primary key and unique index is led by `id` or `lane` with `shard` second, so that the same statements run on one
 * server (one shard) and on a cluster distributed by `shard`; see docs/adr/0002-where-a-job-stands.md for the shape.
 */

import { AUDIT } from './audit.js';
import { GIVEN_IDS } from './given-ids.js';
import { HEADROOM } from './headroom.js';
import { LIMIT_KEYS } from './limit-keys.js';
import { LIMITS } from './limits.js';
import { ORDERED_GROUPS } from './ordered-groups.js';
import { OUTCOMES } from './outcomes.js';
import { SCHEDULES } from './schedules.js';
import { SCHEMA_VERSION } from './schema.js';
import { HOT, SMALL } from './storage-parameters.js';
import { SQL_PRODUCERS } from './sql-producers.js';
import { THROTTLE } from './throttle.js';
import { TALLY } from './tally.js';
import {
  DROP_VALUES,
  isMoment,
  KEEP_VALUES,
  LABELS,
  LANE_NAME,
  QUEUE_NAME,
  VALUES,
} from './values.js';
import { WORKFLOWS } from './workflows.js';

/** 1 to 2,147,483,646. */
const RANDOM_ID = '(floor(random() * 2147483646)::int + 1)';

const ENDED = `
  id uuid not null,
  shard smallint not null,
  state text not null,
  lane int not null,
  priority smallint not null,
  attempt int not null,
  stalls smallint not null,
  reschedules int not null,
  run_ms int,
  created_at simple_queue.moment not null,
  run_at simple_queue.moment not null,
  finished_at simple_queue.moment not null,
  expires_at timestamptz not null,
  worker text,
  unique_key text,
  fingerprint text,
  options simple_queue.options,
  payload json,
  payload_bytes bytea,
  output jsonb,
  last_error simple_queue.failure,
  history simple_queue.history,
  progress simple_queue.progress,
  error_key text,
  primary key (id, shard, expires_at)`;

export const UP = [
  ...VALUES,
  KEEP_VALUES,
  `create table simple_queue.version (version int not null, compatible_from int not null)`,
  `insert into simple_queue.version values (${SCHEMA_VERSION}, ${SCHEMA_VERSION})`,

  // Numbers at random: one that a process remembers never comes back as something else, whatever becomes of the tables meanwhile.
  `create table simple_queue.queue (
    id int primary key default ${RANDOM_ID},
    name text not null unique check (${QUEUE_NAME}),
    paused_at simple_queue.moment, policy jsonb)`,
  // Every promotion asks which queues are paused, and there may be 100,000.
  `create index queue_paused on simple_queue.queue (id) where paused_at is not null`,
  `create table simple_queue.lane (
    id int primary key default ${RANDOM_ID},
    queue int not null references simple_queue.queue (id),
    name text not null check (${LANE_NAME}),
    labels text[] not null default '{}' check (${LABELS}),
    created_at simple_queue.moment not null default clock_timestamp(),
    unused_at simple_queue.moment,
    served_at simple_queue.moment, pulled_at simple_queue.moment,
    unique (queue, name, labels))`,
  // What is new, or gone, shows in the newest ones; see `promote`.
  `create index lane_created on simple_queue.lane (created_at)`,
  `create index lane_unused on simple_queue.lane (unused_at) where unused_at is not null`,

  // Two rows a page: what has up to 4 KB is neither compressed nor cut into pieces, each of which is found and deleted by itself.
  `create table simple_queue.job (
    id uuid not null,
    shard smallint not null,
    epoch simple_queue.epoch not null default 0,
    lane int not null,
    queue int not null,
    priority smallint not null default 0,
    suspicion simple_queue.suspicion not null default 0,
    stalls simple_queue.stalls not null default 0,
    attempt simple_queue.counter not null default 0,
    reschedules simple_queue.counter not null default 0,
    created_at simple_queue.moment not null default statement_timestamp(),
    run_at simple_queue.moment not null,
    cancel_at simple_queue.moment,
    unique_key simple_queue.tag,
    fingerprint simple_queue.tag,
    options simple_queue.options,
    payload json,
    payload_bytes bytea,
    last_error simple_queue.failure,
    history simple_queue.history,
    group_name simple_queue.group_key,
    seq bigint check ((group_name is not null or (seq is null and fair is null)) and (seq is null or fair is null)),
    commit_by simple_queue.moment,
    fair boolean,
    progress simple_queue.progress,
    limit_key simple_queue.tag,
    primary key (id, shard)
  ) with (${HOT}, toast_tuple_target = 4080)`,
  `create unique index job_unique_key on simple_queue.job (unique_key, shard, queue) where unique_key is not null`,
  `create index job_fingerprint on simple_queue.job (fingerprint, shard, id) where fingerprint is not null`,
  // In the options, so that it travels with them wherever the job goes and costs the others neither a column nor a parameter.
  `create index job_workflow on simple_queue.job ((options ->> 'workflowId'), shard) where options ->> 'workflowId' is not null`,
  `create index job_cancel on simple_queue.job (cancel_at, shard) where cancel_at is not null`,
  `create index job_group on simple_queue.job (group_name, shard, queue, seq) where group_name is not null`,
  `create index job_staged on simple_queue.job (commit_by, shard) where commit_by is not null`,

  `create table simple_queue.ready (
    lane int not null,
    shard smallint not null,
    priority smallint not null,
    run_at simple_queue.moment not null,
    id uuid not null,
    epoch simple_queue.epoch not null,
    primary key (lane, shard, priority, run_at, id)
  ) with (${HOT})`,
  `create table simple_queue.scheduled (
    run_at simple_queue.moment not null,
    shard smallint not null,
    id uuid not null,
    lane int not null,
    priority smallint not null,
    epoch simple_queue.epoch not null,
    primary key (run_at, shard, id)
  ) with (${HOT})`,
  // Only for counting what waits in a queue (`maxPending`). All lanes are positive: the condition keeps the index, which is the smaller
  // one, from planners that would take it for other statements.
  `create index scheduled_lane on simple_queue.scheduled (lane, shard) where lane > 0`,
  `create table simple_queue.suspect (
    lane int not null,
    shard smallint not null,
    suspicion smallint not null check (suspicion between 1 and 10),
    run_at simple_queue.moment not null,
    id uuid not null,
    epoch simple_queue.epoch not null,
    primary key (lane, shard, suspicion, run_at, id)
  ) with (${HOT})`,
  ...ORDERED_GROUPS,
  `create table simple_queue.claim (
    id uuid not null,
    shard smallint not null,
    lease uuid not null,
    created_at simple_queue.moment not null default statement_timestamp(),
    jobs uuid[] not null,
    epochs int[] not null,
    primary key (id, shard),
    check (cardinality(jobs) > 0 and cardinality(jobs) = cardinality(epochs))
  ) with (${SMALL})`,
  // UUIDs hardly compress: trying cost a tenth of the claim.
  `alter table simple_queue.claim alter column jobs set storage external`,
  `create table simple_queue.lease (
    id uuid not null,
    shard smallint not null,
    worker text not null,
    created_at simple_queue.moment not null default statement_timestamp(),
    expires_at simple_queue.moment not null,
    jobs uuid[],
    lanes int[] not null default '{}',
    schedules text[] not null default '{}',
    lone boolean not null default false,
    about jsonb,
    primary key (id, shard)
  ) with (${SMALL})`,
  // What a renewal or a settle changes stands in no index, so that both stay HOT.
  `create index lease_worker on simple_queue.lease (worker, shard, lone, created_at)`,
  `create table simple_queue.lapsed (
    id uuid not null,
    shard smallint not null,
    jobs uuid[] not null,
    lapsed_at simple_queue.moment not null default statement_timestamp(),
    primary key (id, shard)
  ) with (${SMALL})`,

  ...LIMITS,
  ...LIMIT_KEYS,
  ...THROTTLE,
  ...HEADROOM,
  ...GIVEN_IDS,
  ...SCHEDULES,
  ...WORKFLOWS,
  ...AUDIT,
  ...OUTCOMES,

  `create table simple_queue.archive (${ENDED},
    check (state in ('succeeded', 'cancelled') and ${isMoment('expires_at')})
  ) partition by range (expires_at)`,
  `create table simple_queue.archive_default partition of simple_queue.archive default`,
  `create index archive_default_expiry on simple_queue.archive_default (expires_at, shard)`,
  `create index archive_fingerprint on simple_queue.archive (fingerprint, shard, id) where fingerprint is not null`,
  `create index archive_unique_key on simple_queue.archive (unique_key, shard, id) where unique_key is not null`,
  `create table simple_queue.dead_letter (${ENDED},
    check (state in ('failed', 'critical', 'unprocessable', 'poisoned', 'expired') and ${isMoment('expires_at')})
  ) partition by range (expires_at)`,
  `create table simple_queue.dead_letter_default partition of simple_queue.dead_letter default`,
  `create index dead_letter_default_expiry on simple_queue.dead_letter_default (expires_at, shard)`,
  // What was poisoned waits for a person, and is rare; the others of late are found without a look at each of 100,000 lanes.
  `create index dead_letter_poisoned on simple_queue.dead_letter (finished_at, shard) where state = 'poisoned'`,
  `create index dead_letter_ended on simple_queue.dead_letter (finished_at, shard) where state <> 'poisoned'`,
  `create index dead_letter_lane on simple_queue.dead_letter (lane, shard, id)`,
  `create index dead_letter_fingerprint on simple_queue.dead_letter (fingerprint, shard, id) where fingerprint is not null`,
  `create index dead_letter_error on simple_queue.dead_letter (error_key, shard, id) include (lane, finished_at) where error_key is not null`,
  `create index dead_letter_unique_key on simple_queue.dead_letter (unique_key, shard, id) where unique_key is not null`,

  ...TALLY,

  `create view simple_queue.jobs as
    select j.id, q.name as queue, l.name, case
        when j.commit_by is not null and (exists (select from simple_queue.staged p where p.id = j.id and p.shard = j.shard)
          or j.seq is not null and exists (select from simple_queue.blocked p where p.group_name = j.group_name and p.shard = j.shard
                     and p.queue = j.queue and p.seq = j.seq)) then 'staged'
        when exists (select from simple_queue.ready p where p.lane = j.lane and p.shard = j.shard and p.priority = j.priority
                     and p.run_at = j.run_at and p.id = j.id) then 'ready'
        when exists (select from simple_queue.scheduled p where p.run_at = j.run_at and p.shard = j.shard and p.id = j.id) then 'scheduled'
        when exists (select from simple_queue.suspect p where p.lane = j.lane and p.shard = j.shard and p.suspicion = j.suspicion
                     and p.run_at = j.run_at and p.id = j.id) then 'ready'
        when j.fair and exists (select from simple_queue.fair_ready p where p.lane = j.lane and p.shard = j.shard and p.group_name = j.group_name
                     and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id) then 'ready'
        when j.seq is not null and exists (select from simple_queue.blocked p where p.group_name = j.group_name and p.shard = j.shard
                     and p.queue = j.queue and p.seq = j.seq) then 'blocked'
        when j.limit_key is not null and exists (select from simple_queue.keyed p where p.limit_key = j.limit_key and p.shard = j.shard
                     and p.queue = j.queue and p.priority = j.priority and p.run_at = j.run_at and p.id = j.id) then 'blocked'
        when exists (select from simple_queue.claim c cross join lateral unnest(c.jobs, c.epochs) u(id, epoch)
                     where c.shard = j.shard and j.id = any(c.jobs) and u.id = j.id and u.epoch = j.epoch) then 'running'
        else 'lost' end as state,
      j.priority, j.attempt, j.stalls, j.reschedules, j.created_at, j.run_at, j.cancel_at,
      null::timestamptz as finished_at, null::timestamptz as expires_at, null::int as run_ms, null::text as worker,
      j.unique_key, j.fingerprint, j.options, j.payload, j.payload_bytes, null::jsonb as output, j.last_error, j.history, l.labels,
      nullif(j.group_name, '') as group_name, j.commit_by, j.progress, null::text as error_key
    from simple_queue.job j left join simple_queue.lane l on l.id = j.lane left join simple_queue.queue q on q.id = j.queue
    union all
    select a.id, q.name, l.name, a.state, a.priority, a.attempt, a.stalls, a.reschedules, a.created_at, a.run_at, null,
      a.finished_at, a.expires_at, a.run_ms, a.worker, a.unique_key, a.fingerprint, a.options, a.payload, a.payload_bytes,
      a.output, a.last_error, a.history, l.labels, a.options ->> 'group', null, a.progress, null
    from simple_queue.archive a left join simple_queue.lane l on l.id = a.lane left join simple_queue.queue q on q.id = l.queue
    union all
    select d.id, q.name, l.name, d.state, d.priority, d.attempt, d.stalls, d.reschedules, d.created_at, d.run_at, null,
      d.finished_at, d.expires_at, d.run_ms, d.worker, d.unique_key, d.fingerprint, d.options, d.payload, d.payload_bytes,
      d.output, d.last_error, d.history, l.labels, d.options ->> 'group', null, d.progress, d.error_key
    from simple_queue.dead_letter d left join simple_queue.lane l on l.id = d.lane left join simple_queue.queue q on q.id = l.queue`,

  ...SQL_PRODUCERS,
];

const DAY_MS = 86_400_000;

/**
 * The first partitions, as far ahead as the default retention reaches; the janitor makes the later ones. Without them a process that
 * only enqueues and cancels would fill the default partition, which then stands in the way.
 */
export function firstPartitions(now: Date): string[] {
  return [
    ...partitionsOf('archive', 1, 9, now),
    ...partitionsOf('dead_letter', 7, 6, now),
    ...partitionsOf('tally', 7, 6, now),
  ];
}

function partitionsOf(table: string, days: number, count: number, now: Date): string[] {
  const step = days * DAY_MS;
  const first = Math.floor(now.getTime() / step);
  return Array.from({ length: count }, (_, index) => {
    const [from, to] = [first + index, first + index + 1].map((unit) =>
      new Date(unit * step).toISOString(),
    ) as [string, string];
    const name = `${table}_p${from.slice(0, 10).replaceAll('-', '')}`;
    return `create table simple_queue.${name} partition of simple_queue.${table} for values from ('${from}') to ('${to}')`;
  });
}

export const DOWN = [
  `drop function simple_queue.enqueue`,
  `drop view simple_queue.jobs`,
  `drop table simple_queue.operator_action, simple_queue.tally, simple_queue.tick, simple_queue.schedule`,
  `drop table simple_queue.arrival, simple_queue.undo, simple_queue.draft, simple_queue.step, simple_queue.edge, simple_queue.stage, simple_queue.workflow`,
  `drop table simple_queue.headroom, simple_queue.throttle, simple_queue.given_id, simple_queue.allotment, simple_queue.fleet_limit,
    simple_queue.key_bucket, simple_queue.key_change, simple_queue.permit, simple_queue.keyed`,
  `drop table simple_queue.dead_letter, simple_queue.archive, simple_queue.lapsed, simple_queue.lease, simple_queue.claim,
    simple_queue.fair_ready, simple_queue.staged, simple_queue.blocked, simple_queue.vacant, simple_queue.head, simple_queue.suspect,
    simple_queue.scheduled, simple_queue.ready, simple_queue.job, simple_queue.outcome, simple_queue.lane, simple_queue.queue, simple_queue.version`,
  `drop sequence simple_queue.turn`,
  DROP_VALUES,
];
