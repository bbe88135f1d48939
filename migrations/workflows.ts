import { HOT, SMALL } from './storage-parameters.js';

/**
 * Workflows; see docs/adr/0041-drafts-not-waiting-jobs.md. A step is one or more jobs of one name (`stage`); what its jobs returned is in `step`. A job
 * that must not begin yet is a `draft`, and no job. `arrival` is what somebody has to look at: an end, a stage that is to begin or to be
 * skipped, a job of others that is awaited (`step.awaits`), a job that depends on others (`more`), a workflow that is to stop or has to compensate. What compensates the stage n is the stage -1 - n; `undo` has what is to be
 * compensated, as it was completed.
 */
export const WORKFLOWS = [
  `create table simple_queue.workflow (
    id uuid not null,
    shard smallint not null,
    name text not null check (length(name) between 1 and 100),
    state text not null default 'running' 
      check (state in ('running', 'compensating', 'succeeded', 'failed', 'compensated', 'stuck', 'cancelled')),
    attempt int not null default 1 check (attempt > 0),
    jobs int not null check (jobs >= 0),
    open int not null check (open >= 0),
    failed int not null default 0 check (failed >= 0),
    saga boolean not null default false,
    stop text check (stop in ('cancelled', 'failed', 'expired', 'abandoned')),
    stops_at_failure boolean not null default false,
    keep_ms float8 not null,
    unique_key simple_queue.tag,
    created_at simple_queue.moment not null default statement_timestamp(),
    deadline_ms float8,
    deadline_at simple_queue.moment,
    ended_at simple_queue.moment,
    expires_at simple_queue.moment,
    primary key (id, shard),
    check ((state in ('running', 'compensating', 'stuck')) = (ended_at is null) and (ended_at is null) = (expires_at is null))
  ) with (${HOT})`,
  `create unique index workflow_unique_key on simple_queue.workflow (unique_key, shard, name)
    where unique_key is not null and ended_at is null`,
  `create index workflow_deadline on simple_queue.workflow (deadline_at, shard)
    where deadline_at is not null and ended_at is null and stop is null`,
  `create index workflow_expiry on simple_queue.workflow (expires_at, shard) where expires_at is not null`,
  `create index workflow_stuck on simple_queue.workflow (id, shard) where state = 'stuck'`,
  // For the look for steps whose jobs are gone.
  `create index workflow_running on simple_queue.workflow (id, shard) where ended_at is null`,
  `create table simple_queue.stage (
    workflow uuid not null,
    shard smallint not null,
    n int not null,
    name text not null,
    many boolean not null,
    jobs int not null check (jobs >= 0),
    open int not null check (open >= 0),
    failed int not null default 0 check (failed >= 0),
    waits int not null check (waits >= 0),
    begun boolean not null,
    skipped boolean not null default false,
    plain boolean not null,
    again boolean not null default false,
    primary key (workflow, shard, n)
  ) with (${HOT})`,
  `create table simple_queue.edge (
    workflow uuid not null,
    shard smallint not null,
    upstream int not null,
    downstream int not null,
    condition text not null check (condition in ('succeeded', 'failed', 'ended')),
    primary key (workflow, shard, upstream, downstream)
  )`,
  `create table simple_queue.step (
    id uuid not null,
    shard smallint not null,
    workflow uuid not null,
    stage int not null,
    item int not null,
    state text check (state in ('succeeded', 'failed', 'cancelled', 'skipped')),
    output jsonb,
    error jsonb,
    ended_at simple_queue.moment,
    added text,
    awaits uuid,
    primary key (id, shard)
  ) with (${HOT})`,
  `create unique index step_stage on simple_queue.step (workflow, shard, stage, item)`,
  `create table simple_queue.draft (
    id uuid not null,
    shard smallint not null,
    workflow uuid not null,
    stage int not null,
    item int not null,
    lane int not null,
    queue int not null,
    priority smallint not null,
    run_at simple_queue.moment,
    delay_ms float8,
    fingerprint simple_queue.tag,
    options simple_queue.options not null,
    payload json not null,
    payload_bytes bytea,
    group_name simple_queue.group_key,
    ordered boolean not null default false,
    fair boolean not null default false,
    primary key (id, shard)
  ) with (${HOT})`,
  `create index draft_stage on simple_queue.draft (workflow, shard, stage, item)`,
  // For the look for lanes that nobody uses.
  `create index draft_lane on simple_queue.draft (lane, shard)`,
  `create table simple_queue.undo (
    workflow uuid not null,
    shard smallint not null,
    seq bigint not null,
    stage int not null check (stage < 0),
    item int not null,
    begun boolean not null default false,
    primary key (workflow, shard, seq)
  )`,
  // Its number is a turn: so is that of what a worker settles, and both have one order.
  `create table simple_queue.arrival (
    id bigint not null default nextval('simple_queue.turn'),
    shard smallint not null,
    kind text not null check (kind in ('end', 'skip', 'begin', 'stop', 'undo', 'add', 'wait', 'depend')),
    job uuid,
    state text,
    output jsonb,
    error jsonb,
    workflow uuid,
    stage int,
    more jsonb,
    primary key (kind, shard, id)
  ) with (${SMALL})`,
];
