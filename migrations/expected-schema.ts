/**
 * What the migrations leave behind, as the server describes it (sql/describe-schema); the doctor compares. Written anew after a change by
 * node --import ./test/support/typescript.mjs test/doctor/write-expected-schema.mjs
 */
export const EXPECTED_SCHEMA = `\
column allotment: declares text | expires_at moment | holder text | lanes integer[] not null default '{}'::integer[] | lease uuid not null | n integer not null | name text not null | shard smallint not null | turn_at moment not null default statement_timestamp() | wanted integer not null
column archive: attempt integer not null | created_at moment not null | error_key text | expires_at timestamp with time zone not null | fingerprint text | finished_at moment not null | history history | id uuid not null | lane integer not null | last_error failure | options options | output jsonb | payload json | payload_bytes bytea | priority smallint not null | progress progress | reschedules integer not null | run_at moment not null | run_ms integer | shard smallint not null | stalls smallint not null | state text not null | unique_key text | worker text
column arrival: error jsonb | id bigint not null default nextval('turn'::regclass) | job uuid | kind text not null | more jsonb | output jsonb | shard smallint not null | stage integer | state text | workflow uuid
column blocked: epoch epoch not null | group_name text not null | id uuid not null | lane integer not null | queue integer not null | seq bigint not null | shard smallint not null
column claim: created_at moment not null default statement_timestamp() | epochs integer[] not null | id uuid not null | jobs uuid[] not null | lease uuid not null | shard smallint not null
column dead_letter: attempt integer not null | created_at moment not null | error_key text | expires_at timestamp with time zone not null | fingerprint text | finished_at moment not null | history history | id uuid not null | lane integer not null | last_error failure | options options | output jsonb | payload json | payload_bytes bytea | priority smallint not null | progress progress | reschedules integer not null | run_at moment not null | run_ms integer | shard smallint not null | stalls smallint not null | state text not null | unique_key text | worker text
column draft: delay_ms double precision | fair boolean not null default false | fingerprint tag | group_name group_key | id uuid not null | item integer not null | lane integer not null | options options not null | ordered boolean not null default false | payload json not null | payload_bytes bytea | priority smallint not null | queue integer not null | run_at moment | shard smallint not null | stage integer not null | workflow uuid not null
column edge: condition text not null | downstream integer not null | shard smallint not null | upstream integer not null | workflow uuid not null
column fair_ready: epoch epoch not null | group_name text not null | id uuid not null | lane integer not null | priority smallint not null | run_at moment not null | shard smallint not null
column fleet_limit: allotted integer not null default 0 | burst integer | concurrency integer | granted integer not null default 0 | held_until moment | name text not null | next_at moment not null default statement_timestamp() | of_queue boolean not null | per_ms integer | rate integer | rule text not null | set_at moment | shard smallint not null | step_ms double precision | strict boolean not null default false | version integer not null default ((floor((random() * (1000000)::double precision)))::integer + 1)
column given_id: id uuid not null | noted_at moment not null default statement_timestamp() | shard smallint not null
column head: dead uuid | dead_at moment | dead_seq bigint | dead_until moment | group_name text not null | halts boolean not null default false | queue integer not null | shard smallint not null
column headroom: counted_at moment not null | free integer not null | most integer not null | queue integer not null | shard smallint not null
column job: attempt counter not null default 0 | cancel_at moment | commit_by moment | created_at moment not null default statement_timestamp() | epoch epoch not null default 0 | fair boolean | fingerprint tag | group_name group_key | history history | id uuid not null | lane integer not null | last_error failure | limit_key tag | options options | payload json | payload_bytes bytea | priority smallint not null default 0 | progress progress | queue integer not null | reschedules counter not null default 0 | run_at moment not null | seq bigint | shard smallint not null | stalls stalls not null default 0 | suspicion suspicion not null default 0 | unique_key tag
column jobs: attempt integer | cancel_at timestamp with time zone | commit_by timestamp with time zone | created_at moment | error_key text | expires_at timestamp with time zone | fingerprint text | finished_at timestamp with time zone | group_name text | history history | id uuid | labels text[] | last_error failure | name text | options options | output jsonb | payload json | payload_bytes bytea | priority smallint | progress progress | queue text | reschedules integer | run_at moment | run_ms integer | stalls smallint | state text | unique_key text | worker text
column key_bucket: limit_key text not null | next_at moment not null | queue integer not null | shard smallint not null
column key_change: due_at moment not null default statement_timestamp() | limit_key text not null | queue integer not null | seq bigint not null identity | shard smallint not null
column keyed: epoch epoch not null | id uuid not null | lane integer not null | limit_key text not null | priority smallint not null | queue integer not null | run_at moment not null | shard smallint not null
column lane: created_at moment not null default clock_timestamp() | id integer not null default ((floor((random() * (2147483646)::double precision)))::integer + 1) | labels text[] not null default '{}'::text[] | name text not null | pulled_at moment | queue integer not null | served_at moment | unused_at moment
column lapsed: id uuid not null | jobs uuid[] not null | lapsed_at moment not null default statement_timestamp() | shard smallint not null
column lease: about jsonb | created_at moment not null default statement_timestamp() | expires_at moment not null | id uuid not null | jobs uuid[] | lanes integer[] not null default '{}'::integer[] | lone boolean not null default false | schedules text[] not null default '{}'::text[] | shard smallint not null | worker text not null
column operator_action: action text not null | actor text not null | at moment not null default clock_timestamp() | counts jsonb | ended_at moment | failed text | id uuid not null | selector jsonb not null | shard smallint not null
column outcome: lane integer not null | queue integer not null
column permit: id uuid not null | limit_key text not null | queue integer not null | shard smallint not null | slot bigint not null
column queue: id integer not null default ((floor((random() * (2147483646)::double precision)))::integer + 1) | name text not null | paused_at moment | policy jsonb
column ready: epoch epoch not null | id uuid not null | lane integer not null | priority smallint not null | run_at moment not null | shard smallint not null
column schedule: announced_at moment | created_at moment not null default statement_timestamp() | declared boolean not null default false | hash text not null | jobs uuid[] not null default '{}'::uuid[] | last_at moment | name text not null | next_at moment | owner text not null | paused_at moment | payload json | seen_by uuid | shard smallint not null | spec jsonb not null | waiting integer not null default 0
column scheduled: epoch epoch not null | id uuid not null | lane integer not null | priority smallint not null | run_at moment not null | shard smallint not null
column stage: again boolean not null default false | begun boolean not null | failed integer not null default 0 | jobs integer not null | many boolean not null | n integer not null | name text not null | open integer not null | plain boolean not null | shard smallint not null | skipped boolean not null default false | waits integer not null | workflow uuid not null
column staged: epoch epoch not null | id uuid not null | lane integer not null | shard smallint not null
column step: added text | awaits uuid | ended_at moment | error jsonb | id uuid not null | item integer not null | output jsonb | shard smallint not null | stage integer not null | state text | workflow uuid not null
column suspect: epoch epoch not null | id uuid not null | lane integer not null | run_at moment not null | shard smallint not null | suspicion smallint not null
column tally: cancelled bigint not null | expires_at timestamp with time zone not null | failed bigint not null | grain smallint not null default 0 | lane integer not null | lost bigint not null | minute moment not null | released bigint not null | rescheduled bigint not null | retried bigint not null | run bigint[] not null | shard smallint not null | started bigint not null | succeeded bigint not null | wait bigint[] not null | worker text not null
column throttle: ends_at moment not null | job uuid not null | queue integer not null | shard smallint not null | unique_key tag not null
column tick: at moment not null | code text | job uuid | made_at moment not null default statement_timestamp() | outcome text not null | schedule text not null | shard smallint not null | times integer
column undo: begun boolean not null default false | item integer not null | seq bigint not null | shard smallint not null | stage integer not null | workflow uuid not null
column vacant: group_name text not null | queue integer not null | shard smallint not null
column version: compatible_from integer not null | version integer not null
column workflow: attempt integer not null default 1 | created_at moment not null default statement_timestamp() | deadline_at moment | deadline_ms double precision | ended_at moment | expires_at moment | failed integer not null default 0 | id uuid not null | jobs integer not null | keep_ms double precision not null | name text not null | open integer not null | saga boolean not null default false | shard smallint not null | state text not null default 'running'::text | stop text | stops_at_failure boolean not null default false | unique_key tag
constraint allotment: allotment_n_check CHECK ((n >= 0)) | allotment_wanted_check CHECK ((wanted >= 0))
constraint archive: archive_check CHECK (((state = ANY (ARRAY['succeeded'::text, 'cancelled'::text])) AND (expires_at >= '1000-01-01 00:00:00+00'::timestamp with time zone) AND (expires_at < '10000-01-01 00:00:00+00'::timestamp with time zone)))
constraint arrival: arrival_kind_check CHECK ((kind = ANY (ARRAY['end'::text, 'skip'::text, 'begin'::text, 'stop'::text, 'undo'::text, 'add'::text, 'wait'::text, 'depend'::text])))
constraint claim: claim_check CHECK (((cardinality(jobs) > 0) AND (cardinality(jobs) = cardinality(epochs))))
constraint dead_letter: dead_letter_check CHECK (((state = ANY (ARRAY['failed'::text, 'critical'::text, 'unprocessable'::text, 'poisoned'::text, 'expired'::text])) AND (expires_at >= '1000-01-01 00:00:00+00'::timestamp with time zone) AND (expires_at < '10000-01-01 00:00:00+00'::timestamp with time zone)))
constraint edge: edge_condition_check CHECK ((condition = ANY (ARRAY['succeeded'::text, 'failed'::text, 'ended'::text])))
constraint fleet_limit: fleet_limit_allotted_check CHECK ((allotted >= 0)) | fleet_limit_burst_check CHECK ((burst > 0)) | fleet_limit_check CHECK ((((rate IS NULL) = (per_ms IS NULL)) AND ((rate IS NULL) = (step_ms IS NULL)) AND ((rate IS NULL) = (burst IS NULL)))) | fleet_limit_concurrency_check CHECK ((concurrency > 0)) | fleet_limit_name_check CHECK (((name COLLATE "C") ~ '^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,99}(/[*])?$'::text)) | fleet_limit_per_ms_check CHECK ((per_ms > 0)) | fleet_limit_rate_check CHECK ((rate > 0)) | fleet_limit_step_ms_check CHECK ((step_ms > (0)::double precision))
constraint head: head_check CHECK ((((dead IS NULL) = (dead_seq IS NULL)) AND ((dead IS NULL) = (dead_at IS NULL)) AND ((dead IS NULL) = (dead_until IS NULL)) AND ((dead IS NOT NULL) OR (NOT halts))))
constraint headroom: headroom_free_check CHECK ((free >= 0))
constraint job: job_check CHECK ((((group_name IS NOT NULL) OR ((seq IS NULL) AND (fair IS NULL))) AND ((seq IS NULL) OR (fair IS NULL))))
constraint lane: lane_labels_check CHECK (((cardinality(labels) <= 16) AND (array_position(labels, NULL::text) IS NULL) AND (''::text <> ALL (labels)) AND ((array_to_string(labels, ','::text) COLLATE "C") ~ '^([A-Za-z0-9_][A-Za-z0-9_.:/=-]{0,63}(,[A-Za-z0-9_][A-Za-z0-9_.:/=-]{0,63})*)?$'::text))) | lane_name_check CHECK (((name COLLATE "C") ~ '^([A-Za-z0-9_][A-Za-z0-9_.:/-]{0,99})?$'::text)) | lane_queue_fkey FOREIGN KEY (queue) REFERENCES queue(id)
constraint operator_action: operator_action_action_check CHECK (((length(action) >= 1) AND (length(action) <= 100))) | operator_action_actor_check CHECK (((length(actor) >= 1) AND (length(actor) <= 200))) | operator_action_check CHECK (((octet_length((selector)::text) <= 16384) AND (octet_length((counts)::text) <= 16384)))
constraint permit: permit_slot_check CHECK ((slot >= 0))
constraint queue: queue_name_check CHECK (((name COLLATE "C") ~ '^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,99}$'::text))
constraint schedule: schedule_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))) | schedule_waiting_check CHECK ((waiting >= 0))
constraint stage: stage_failed_check CHECK ((failed >= 0)) | stage_jobs_check CHECK ((jobs >= 0)) | stage_open_check CHECK ((open >= 0)) | stage_waits_check CHECK ((waits >= 0))
constraint step: step_state_check CHECK ((state = ANY (ARRAY['succeeded'::text, 'failed'::text, 'cancelled'::text, 'skipped'::text])))
constraint suspect: suspect_suspicion_check CHECK (((suspicion >= 1) AND (suspicion <= 10)))
constraint tally: tally_expires_at_check CHECK (((expires_at >= '1000-01-01 00:00:00+00'::timestamp with time zone) AND (expires_at < '10000-01-01 00:00:00+00'::timestamp with time zone))) | tally_grain_check CHECK (((grain >= 0) AND (grain <= 2)))
constraint tick: tick_outcome_check CHECK ((outcome = ANY (ARRAY['enqueued'::text, 'waiting'::text, 'skipped'::text, 'missed'::text, 'existing'::text, 'refused'::text, 'triggered'::text, 'backfilled'::text])))
constraint undo: undo_stage_check CHECK ((stage < 0))
constraint workflow: workflow_attempt_check CHECK ((attempt > 0)) | workflow_check CHECK ((((state = ANY (ARRAY['running'::text, 'compensating'::text, 'stuck'::text])) = (ended_at IS NULL)) AND ((ended_at IS NULL) = (expires_at IS NULL)))) | workflow_failed_check CHECK ((failed >= 0)) | workflow_jobs_check CHECK ((jobs >= 0)) | workflow_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))) | workflow_open_check CHECK ((open >= 0)) | workflow_state_check CHECK ((state = ANY (ARRAY['running'::text, 'compensating'::text, 'succeeded'::text, 'failed'::text, 'compensated'::text, 'stuck'::text, 'cancelled'::text]))) | workflow_stop_check CHECK ((stop = ANY (ARRAY['cancelled'::text, 'failed'::text, 'expired'::text, 'abandoned'::text])))
domain counter: counter_check integer CHECK (((VALUE >= 0) AND (VALUE <= 1000000000)))
domain epoch: epoch_check integer CHECK (((VALUE >= 0) AND (VALUE <= 2147000000)))
domain failure: failure_check jsonb CHECK (((jsonb_typeof(VALUE) = 'object'::text) AND ((NOT (VALUE ? 'name'::text)) OR (jsonb_typeof((VALUE -> 'name'::text)) = 'string'::text)) AND ((NOT (VALUE ? 'message'::text)) OR (jsonb_typeof((VALUE -> 'message'::text)) = 'string'::text)) AND ((NOT (VALUE ? 'stack'::text)) OR (jsonb_typeof((VALUE -> 'stack'::text)) = 'string'::text)) AND ((NOT (VALUE ? 'code'::text)) OR (jsonb_typeof((VALUE -> 'code'::text)) = 'string'::text))))
domain group_key: group_key_check text CHECK ((length(VALUE) <= 512))
domain history: history_check jsonb CHECK (((jsonb_typeof(VALUE) = 'array'::text) AND (jsonb_array_length(VALUE) <= 100) AND (NOT jsonb_path_exists(VALUE, 'strict $[*]?(((((@.type() != "object" || exists (@."attempt"?(@.type() != "number"))) || exists (@."outcome"?(@.type() != "string"))) || exists (@."at"?(@.type() != "string"))) || exists (@."runMs"?(@.type() != "number"))) || exists (@."error"?(@.type() != "object")))'::jsonpath))))
domain moment: moment_check timestamp with time zone CHECK (((VALUE >= '1000-01-01 00:00:00+00'::timestamp with time zone) AND (VALUE < '10000-01-01 00:00:00+00'::timestamp with time zone)))
domain options: options_check jsonb CHECK (((jsonb_typeof(VALUE) = 'object'::text) AND ((NOT (VALUE ? 'headers'::text)) OR ((jsonb_typeof((VALUE -> 'headers'::text)) = 'object'::text) AND (NOT jsonb_path_exists((VALUE -> 'headers'::text), 'strict $.*?(@.type() != "string")'::jsonpath)))) AND ((NOT (VALUE ? 'backoff'::text)) OR (jsonb_typeof((VALUE -> 'backoff'::text)) = 'object'::text)) AND ((NOT (VALUE ? 'maxAttempts'::text)) OR ((jsonb_typeof((VALUE -> 'maxAttempts'::text)) = 'number'::text) AND ((((VALUE -> 'maxAttempts'::text))::numeric >= (1)::numeric) AND (((VALUE -> 'maxAttempts'::text))::numeric <= (1000)::numeric)))) AND ((NOT (VALUE ? 'timeoutMs'::text)) OR ((jsonb_typeof((VALUE -> 'timeoutMs'::text)) = 'number'::text) AND ((((VALUE -> 'timeoutMs'::text))::numeric >= (1)::numeric) AND (((VALUE -> 'timeoutMs'::text))::numeric <= (86400000)::numeric)))) AND ((NOT (VALUE ? 'extraAttempts'::text)) OR ((jsonb_typeof((VALUE -> 'extraAttempts'::text)) = 'number'::text) AND ((((VALUE -> 'extraAttempts'::text))::numeric >= (0)::numeric) AND (((VALUE -> 'extraAttempts'::text))::numeric <= (1000)::numeric)))) AND ((NOT (VALUE ? 'workflowId'::text)) OR (jsonb_typeof((VALUE -> 'workflowId'::text)) = 'string'::text)) AND ((NOT (VALUE ? 'group'::text)) OR (jsonb_typeof((VALUE -> 'group'::text)) = 'string'::text)) AND ((NOT (VALUE ? 'step'::text)) OR (jsonb_typeof((VALUE -> 'step'::text)) = 'string'::text)) AND ((NOT (VALUE ? 'limitKey'::text)) OR (jsonb_typeof((VALUE -> 'limitKey'::text)) = 'string'::text)) AND ((NOT (VALUE ? 'schedule'::text)) OR ((jsonb_typeof(((VALUE -> 'schedule'::text) -> 'name'::text)) = 'string'::text) AND (jsonb_typeof(((VALUE -> 'schedule'::text) -> 'at'::text)) = 'string'::text)))))
domain progress: progress_check jsonb CHECK (((jsonb_typeof(VALUE) = 'object'::text) AND (VALUE ?& '{done,attempt,at}'::text[]) AND ((NOT (VALUE ? 'done'::text)) OR (jsonb_typeof((VALUE -> 'done'::text)) = 'number'::text)) AND ((NOT (VALUE ? 'of'::text)) OR (jsonb_typeof((VALUE -> 'of'::text)) = 'number'::text)) AND ((NOT (VALUE ? 'attempt'::text)) OR (jsonb_typeof((VALUE -> 'attempt'::text)) = 'number'::text)) AND ((NOT (VALUE ? 'note'::text)) OR (jsonb_typeof((VALUE -> 'note'::text)) = 'string'::text)) AND ((NOT (VALUE ? 'at'::text)) OR (jsonb_typeof((VALUE -> 'at'::text)) = 'string'::text))))
domain stalls: stalls_check smallint CHECK (((VALUE >= 0) AND (VALUE <= 32000)))
domain suspicion: suspicion_check smallint CHECK (((VALUE >= 0) AND (VALUE <= 10)))
domain tag: tag_check text CHECK (((length(VALUE) >= 1) AND (length(VALUE) <= 512)))
function enqueue: enqueue (queue text, payload jsonb, name text, priority integer, run_at timestamp with time zone, delay interval, unique_key text, fingerprint text, headers jsonb, max_attempts integer, max_pending integer, wake boolean, OUT id uuid, OUT created boolean)
index allotment: allotment_pkey unique (name, shard, lease)
index archive: archive_fingerprint (fingerprint, shard, id) WHERE (fingerprint IS NOT NULL) | archive_pkey unique (id, shard, expires_at) | archive_unique_key (unique_key, shard, id) WHERE (unique_key IS NOT NULL)
index archive_default: archive_default_expiry (expires_at, shard)
index arrival: arrival_pkey unique (kind, shard, id)
index blocked: blocked_lane (lane, shard) WHERE (lane > 0) | blocked_pkey unique (group_name, shard, queue, seq)
index claim: claim_pkey unique (id, shard)
index dead_letter: dead_letter_ended (finished_at, shard) WHERE (state <> 'poisoned'::text) | dead_letter_error (error_key, shard, id) INCLUDE (lane, finished_at) WHERE (error_key IS NOT NULL) | dead_letter_fingerprint (fingerprint, shard, id) WHERE (fingerprint IS NOT NULL) | dead_letter_lane (lane, shard, id) | dead_letter_pkey unique (id, shard, expires_at) | dead_letter_poisoned (finished_at, shard) WHERE (state = 'poisoned'::text) | dead_letter_unique_key (unique_key, shard, id) WHERE (unique_key IS NOT NULL)
index dead_letter_default: dead_letter_default_expiry (expires_at, shard)
index draft: draft_lane (lane, shard) | draft_pkey unique (id, shard) | draft_stage (workflow, shard, stage, item)
index edge: edge_pkey unique (workflow, shard, upstream, downstream)
index fair_ready: fair_ready_pkey unique (lane, shard, group_name, priority, run_at, id)
index fleet_limit: fleet_limit_pkey unique (name, shard)
index given_id: given_id_noted (noted_at, shard) WHERE ((noted_at)::timestamp with time zone > '-infinity'::timestamp with time zone) | given_id_pkey unique (id, shard)
index head: head_dead (dead_at, shard) WHERE (dead IS NOT NULL) | head_halts (queue, shard) WHERE halts | head_pkey unique (group_name, shard, queue) | head_until (dead_until, shard) WHERE (dead_until IS NOT NULL)
index headroom: headroom_pkey unique (queue, shard)
index job: job_cancel (cancel_at, shard) WHERE (cancel_at IS NOT NULL) | job_fingerprint (fingerprint, shard, id) WHERE (fingerprint IS NOT NULL) | job_group (group_name, shard, queue, seq) WHERE (group_name IS NOT NULL) | job_pkey unique (id, shard) | job_staged (commit_by, shard) WHERE (commit_by IS NOT NULL) | job_unique_key unique (unique_key, shard, queue) WHERE (unique_key IS NOT NULL) | job_workflow ((((options)::jsonb ->> 'workflowId'::text)), shard) WHERE (((options)::jsonb ->> 'workflowId'::text) IS NOT NULL)
index key_bucket: key_bucket_full (next_at, shard) | key_bucket_pkey unique (limit_key, shard, queue)
index key_change: key_change_pkey unique (due_at, shard, seq)
index keyed: keyed_lane (lane, shard) WHERE (lane > 0) | keyed_pkey unique (limit_key, shard, queue, priority, run_at, id)
index lane: lane_created (created_at) | lane_pkey unique (id) | lane_queue_name_labels_key unique (queue, name, labels) | lane_unused (unused_at) WHERE (unused_at IS NOT NULL)
index lapsed: lapsed_pkey unique (id, shard)
index lease: lease_pkey unique (id, shard) | lease_worker (worker, shard, lone, created_at)
index operator_action: operator_action_at (at, shard, id) | operator_action_pkey unique (id, shard)
index outcome: outcome_pkey unique (queue)
index permit: permit_pkey unique (id, shard) | permit_slot unique (limit_key, shard, queue, slot) WHERE (slot >= 0)
index queue: queue_name_key unique (name) | queue_paused (id) WHERE (paused_at IS NOT NULL) | queue_pkey unique (id)
index ready: ready_pkey unique (lane, shard, priority, run_at, id)
index schedule: schedule_next (next_at, shard) WHERE (paused_at IS NULL) | schedule_pkey unique (name, shard) | schedule_waiting (waiting, shard) WHERE (waiting > 0)
index scheduled: scheduled_lane (lane, shard) WHERE (lane > 0) | scheduled_pkey unique (run_at, shard, id)
index stage: stage_pkey unique (workflow, shard, n)
index staged: staged_lane (lane, shard) WHERE (lane > 0) | staged_pkey unique (id, shard)
index step: step_pkey unique (id, shard) | step_stage unique (workflow, shard, stage, item)
index suspect: suspect_pkey unique (lane, shard, suspicion, run_at, id)
index tally: tally_minutes (minute, shard) WHERE (grain = 1) | tally_pkey unique (lane, shard, minute, grain, worker, expires_at) | tally_processes (minute, shard) WHERE (grain = 0) | tally_time (minute, shard)
index tally_default: tally_default_expiry (expires_at, shard)
index throttle: throttle_end (ends_at, shard) WHERE (queue > 0) | throttle_pkey unique (unique_key, shard, queue)
index tick: tick_made (made_at, shard) | tick_pkey unique (schedule, shard, at) | tick_waiting (schedule, shard, at) WHERE (outcome = 'waiting'::text)
index undo: undo_pkey unique (workflow, shard, seq)
index vacant: vacant_pkey unique (queue, shard, group_name)
index workflow: workflow_deadline (deadline_at, shard) WHERE ((deadline_at IS NOT NULL) AND (ended_at IS NULL) AND (stop IS NULL)) | workflow_expiry (expires_at, shard) WHERE (expires_at IS NOT NULL) | workflow_pkey unique (id, shard) | workflow_running (id, shard) WHERE (ended_at IS NULL) | workflow_stuck (id, shard) WHERE (state = 'stuck'::text) | workflow_unique_key unique (unique_key, shard, name) WHERE ((unique_key IS NOT NULL) AND (ended_at IS NULL))
parameter allotment: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 1000 | fillfactor 50 | vacuum_truncate off
parameter arrival: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 1000 | fillfactor 50 | vacuum_truncate off
parameter blocked: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 10000 | vacuum_truncate off
parameter claim: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 1000 | fillfactor 50 | vacuum_truncate off
parameter draft: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 10000 | vacuum_truncate off
parameter fair_ready: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 10000 | vacuum_truncate off
parameter fleet_limit: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 1000 | fillfactor 50 | vacuum_truncate off
parameter given_id: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 10000 | vacuum_truncate off
parameter head: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 10000 | vacuum_truncate off
parameter headroom: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 1000 | fillfactor 50 | vacuum_truncate off
parameter job: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 10000 | toast_tuple_target 4080 | vacuum_truncate off
parameter key_bucket: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 10000 | vacuum_truncate off
parameter key_change: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 1000 | fillfactor 50 | vacuum_truncate off
parameter keyed: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 10000 | vacuum_truncate off
parameter lapsed: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 1000 | fillfactor 50 | vacuum_truncate off
parameter lease: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 1000 | fillfactor 50 | vacuum_truncate off
parameter permit: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 10000 | vacuum_truncate off
parameter ready: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 10000 | vacuum_truncate off
parameter schedule: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 1000 | fillfactor 50 | vacuum_truncate off
parameter scheduled: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 10000 | vacuum_truncate off
parameter stage: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 10000 | vacuum_truncate off
parameter staged: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 10000 | vacuum_truncate off
parameter step: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 10000 | vacuum_truncate off
parameter suspect: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 10000 | vacuum_truncate off
parameter throttle: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 10000 | vacuum_truncate off
parameter vacant: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 1000 | fillfactor 50 | vacuum_truncate off
parameter workflow: autovacuum_analyze_scale_factor 0 | autovacuum_analyze_threshold 10000 | autovacuum_vacuum_cost_delay 0 | autovacuum_vacuum_scale_factor 0 | autovacuum_vacuum_threshold 10000 | vacuum_truncate off
sequence turn: turn sequence
table allotment: allotment plain
table archive: archive partitioned
table archive_default: archive_default plain
table arrival: arrival plain
table blocked: blocked plain
table claim: claim plain
table dead_letter: dead_letter partitioned
table dead_letter_default: dead_letter_default plain
table draft: draft plain
table edge: edge plain
table fair_ready: fair_ready plain
table fleet_limit: fleet_limit plain
table given_id: given_id plain
table head: head plain
table headroom: headroom plain
table job: job plain
table jobs: jobs view
table key_bucket: key_bucket plain
table key_change: key_change plain
table keyed: keyed plain
table lane: lane plain
table lapsed: lapsed plain
table lease: lease plain
table operator_action: operator_action plain
table outcome: outcome plain
table permit: permit plain
table queue: queue plain
table ready: ready plain
table schedule: schedule plain
table scheduled: scheduled plain
table stage: stage plain
table staged: staged plain
table step: step plain
table suspect: suspect plain
table tally: tally partitioned
table tally_default: tally_default plain
table throttle: throttle plain
table tick: tick plain
table undo: undo plain
table vacant: vacant plain
table version: version plain
table workflow: workflow plain
`;
