import { newId } from './new-id.js';
import { ofLane, WAITING } from './places.js';

/** How many the queue has, counted up to its bound. */
const LANES = `(select count(*) from (
      select from simple_queue.queue q join simple_queue.lane l on l.queue = q.id where q.name = enqueue.queue limit 10000) n)`;

/**
 * `simple_queue.enqueue`: for triggers, pg_cron and other languages on one server (its shard is 0). A thin door to the same tables, with
 * the checks of an enqueue from Node.js; docs/learn/sql-producers.md says what it leaves out.
 *
 * - It runs with the rights of its caller, and finds nothing by a search path.
 * - Queue and lane are registered in the caller's transaction: two first uses wait for each other, and a rollback takes them back.
 *   Only for a lane that the janitor took for unused it needs the right to update `lane.unused_at`.
 * - Each statement of a volatile function has a snapshot of its own, so that the holder of a key is seen after the insert met it.
 * - The time is the clock's: a statement may run for minutes, and a job that is due long since would be found late.
 */
const ENQUEUE = `create function simple_queue.enqueue(
  queue text,
  payload jsonb default null,
  name text default '',
  priority int default 0,
  run_at timestamptz default null,
  delay interval default null,
  unique_key text default null,
  fingerprint text default null,
  headers jsonb default null,
  max_attempts int default null,
  max_pending int default null,
  wake boolean default false,
  out id uuid,
  out created boolean)
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $body$
#variable_conflict use_column
declare
  names constant text := '^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,99}$';
  body constant jsonb := coalesce(enqueue.payload, 'null');
  started constant timestamptz := clock_timestamp();
  due timestamptz;
  queue_id int;
  lane_id int;
  lanes int;
  problem text;
begin
  problem := case
    when enqueue.queue is null or enqueue.queue collate "C" !~ names then 'the queue name must be 1 to 100 of letters, digits and _ . : / -'
    when enqueue.name is null or enqueue.name <> '' and enqueue.name collate "C" !~ names
      then 'the job name must be 1 to 100 of letters, digits and _ . : / -, or empty'
    when enqueue.priority is null or enqueue.priority not between -32768 and 32767 then 'priority must be from -32768 to 32767'
    when enqueue.run_at is not null and enqueue.delay is not null then 'run_at and delay cannot be given together'
    when not isfinite(enqueue.run_at) or enqueue.run_at >= '10000-01-01 00:00+00' then 'run_at must lie before the year 10000'
    when enqueue.delay < interval '0' or enqueue.delay > interval '100 years' then 'delay must be from 0 to 100 years'
    when length(enqueue.unique_key) not between 1 and 512 then 'unique_key must have 1 to 512 characters'
    when length(enqueue.fingerprint) not between 1 and 512 then 'fingerprint must have 1 to 512 characters'
    when enqueue.max_attempts not between 1 and 1000 then 'max_attempts must be from 1 to 1000'
    when enqueue.max_pending not between 1 and 1000000 then 'max_pending must be from 1 to 1000000'
    when jsonb_typeof(enqueue.headers) <> 'object' or octet_length(enqueue.headers::text) > 8192
      then 'headers must be an object of strings, at most 8 KiB'
    when jsonb_path_exists(enqueue.headers, 'strict $.* ? (@.type() != "string")') then 'headers must be an object of strings'
  end;
  if problem is not null then
    raise exception using errcode = 'invalid_parameter_value', message = format('simple_queue.enqueue(%L): %s', left(enqueue.queue, 60), problem);
  end if;
  if octet_length(body::text) > 1048576 then
    raise exception using errcode = 'program_limit_exceeded',
      message = format('simple_queue.enqueue(%L): the payload has %s bytes, more than 1 MiB', enqueue.queue, octet_length(body::text)),
      hint = 'Store it elsewhere and enqueue a reference.';
  end if;

  for round in 1..5 loop
    select q.id, l.id into queue_id, lane_id from simple_queue.queue q join simple_queue.lane l on l.queue = q.id
      where q.name = enqueue.queue and l.name = enqueue.name and l.labels = '{}' and l.unused_at is null;
    exit when found;
    lanes := ${LANES};
    if lanes >= 5000 then
      -- Who registers the last ones counts alone.
      perform pg_advisory_xact_lock(hashtextextended('simple_queue.lanes:' || (
        select q.id & 63 from simple_queue.queue q where q.name = enqueue.queue), 0));
      lanes := ${LANES};
    end if;
    if lanes >= 10000 then
      raise exception using errcode = 'configuration_limit_exceeded',
        message = format('simple_queue.enqueue(%L): the queue has 10000 lanes (sets of job name and labels)', enqueue.queue),
        hint = 'A name says which handler a job is for; put ids into the payload or a fingerprint.';
    end if;
    begin
      insert into simple_queue.queue (name) values (enqueue.queue) on conflict (name) do nothing;
      insert into simple_queue.lane (queue, name) select q.id, enqueue.name from simple_queue.queue q where q.name = enqueue.queue
        on conflict on constraint lane_queue_name_labels_key do nothing;
      select l.id into lane_id from simple_queue.queue q join simple_queue.lane l on l.queue = q.id
        where q.name = enqueue.queue and l.name = enqueue.name and l.labels = '{}' and l.unused_at is not null;
      if found then
        -- The janitor took it for unused.
        update simple_queue.lane l set unused_at = null where l.id = lane_id;
      end if;
    exception when unique_violation or foreign_key_violation then
      -- A number that was drawn already, or a queue that went with its last lane meanwhile.
      continue;
    end;
  end loop;
  if queue_id is null then
    raise exception using errcode = 'serialization_failure',
      message = format('simple_queue.enqueue(%L): the queue could not be registered; repeat', enqueue.queue);
  end if;

  if enqueue.max_pending is not null then
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
      raise exception using errcode = 'object_not_in_prerequisite_state',
        message = format('simple_queue.enqueue(%L): max_pending is exact only in READ COMMITTED transactions', enqueue.queue);
    end if;
    perform pg_advisory_xact_lock(hashtextextended('simple_queue.pending:' || queue_id, 0));
    -- The next one who looks for it counts, this job as well.
    delete from simple_queue.headroom h where h.queue = queue_id and h.shard = 0;
  end if;

  due := greatest(started, coalesce(enqueue.run_at, started + enqueue.delay));
  for round in 1..5 loop
    if enqueue.unique_key is not null then
      select j.id, false into id, created from simple_queue.job j
        where j.unique_key = enqueue.unique_key and j.shard = 0 and j.queue = queue_id;
      if found then
        return;
      end if;
    end if;
    -- Apart from the condition: planned where there is no limit, it would count all, and ask for rights that nobody needs.
    if round = 1 and enqueue.max_pending is not null then
      if enqueue.max_pending <= (
          select count(*) from (
            select from simple_queue.lane l cross join lateral (
              ${WAITING.map((place) => `(select from ${ofLane(place, 'l.id', '0')} limit enqueue.max_pending)`).join(' union all\n              ')}) w
            where l.queue = queue_id limit enqueue.max_pending) p) then
        raise exception using errcode = 'configuration_limit_exceeded',
          message = format('simple_queue.enqueue(%L): the queue holds %s waiting jobs', enqueue.queue, enqueue.max_pending);
      end if;
    end if;
    id := ${newId('started')};
    insert into simple_queue.job (id, shard, lane, queue, priority, run_at, unique_key, fingerprint, options, payload)
      values (id, 0, lane_id, queue_id, enqueue.priority, due, enqueue.unique_key, enqueue.fingerprint,
        nullif(jsonb_strip_nulls(jsonb_build_object('headers', enqueue.headers, 'maxAttempts', enqueue.max_attempts)), '{}'), body::json)
      on conflict do nothing;
    if found then
      if due <= started then
        insert into simple_queue.ready (lane, shard, priority, run_at, id, epoch) values (lane_id, 0, enqueue.priority, due, id, 0);
      else
        insert into simple_queue.scheduled (run_at, shard, id, lane, priority, epoch) values (due, 0, id, lane_id, enqueue.priority, 0);
      end if;
      created := true;
      -- A hint: where the queue of notifications is full, or the right to send one was taken away, the job is stored without.
      if enqueue.wake and pg_notification_queue_usage() < 0.9 and has_function_privilege('pg_notify(text, text)', 'execute') then
        perform pg_notify('sq:' || btrim('simple_queue.', '".'), case when due <= started then 'sql  ' || lane_id else 'sql l ' end);
      end if;
      return;
    end if;
  end loop;
  raise exception using errcode = 'serialization_failure',
    message = format('simple_queue.enqueue(%L): the unique key changed hands again and again; repeat', enqueue.queue);
end $body$`;

export const SQL_PRODUCERS = [
  ENQUEUE,
  `comment on function simple_queue.enqueue is 'Stores a job for a worker of nestjs-simple-queue; answers its id, or that of the live job with the same unique key.'`,
];
