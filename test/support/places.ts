/**
 * Which statement knows which place of a job: `+` inserts, `-` deletes, `~` updates, `?` only reads. A word is the reason why it need not
 * know the place. A new statement is a line here, a new place a column: each of its cells is decided, or the spec fails.
 */
export const TABLE = `
  statement                   ready        fair_ready   suspect      scheduled    blocked   keyed        staged       claim        vacant    permit    head     archive   dead_letter
  advance_time                ~            ~            ~            ~            timeless  ~            timeless     ~            timeless  timeless  ~        ~         ~
  ask_keys                    keys         keys         keys         keys         keys      ?            keys         keys         keys      keys      keys     live      live
  await_dependencies          uncommitted  uncommitted  uncommitted  uncommitted  uncommitted  uncommitted  ?            waits        noturn       noturn       noturn       live         live
  bury                        +            runs         runs         runs         runs      runs         runs         ends         +         -         +        +         +
  cancel                      +-           -            -            -            -         -            -            ?            +         -         ?        +         cancelled
  change_dead                 ended        ended        ended        ended        ended     ended        ended        ended        noturn    noturn    noturn   beside    ~
  change                      +-           +-           +-           +-           ~         +-           ?            waits        holds     -         holds    live      live
  check_places                ?            ?            ?            ?            ?         ?            ?            ?            ?         ?         ?        live      live
  check_some_places           ?            ?            ?            ?            ?         ?            ?            ?            whole     whole     whole    live      live
  claim                       -            own          own          notyet       notyet    notyet       notyet       +-           holds     holds     holds    live      live
  claim_fair                  own          -            own          notyet       notyet    notyet       notyet       +            holds     holds     holds    live      live
  claim_next                  -            -            -            notyet       notyet    notyet       notyet       +            holds     holds     holds    live      live
  claim_suspects              own          own          -            notyet       notyet    notyet       notyet       +            holds     holds     holds    live      live
  clear                       -            -            -            -            -         -            -            -            -         -         -        -         -
  close_pulled                runs         runs         runs         runs         runs      runs         runs         -            holds     holds     holds    settled   settled
  commit_staged               +            +            new          +            ?         +            -            waits        holds     holds     holds    live      live
  complete                    runs         runs         runs         runs         runs      runs         runs         ends         +         unkeyed   success  +         success
  complete_empty              +            held         new          +            held      held         held         waits        held      held      held     live      live
  complete_keyed              runs         runs         runs         runs         runs      runs         runs         ends         +         -         success  +         success
  complete_adding             +            runs         runs         runs         runs      runs         runs         ends         +         -         success  +         success
  complete_outcomes               +            runs         runs         runs         runs      runs         runs         ends         +         -         success  +         success
  count_blocked_groups        groups       groups       groups       groups       groups    groups       groups       groups       groups    groups    ?        groups    groups
  count_dead_letters          ended        ended        ended        ended        ended     ended        ended        ended        noturn    noturn    noturn   beside    ?
  count_dead_letters_written  ended        ended        ended        ended        ended     ended        ended        ended        noturn    noturn    noturn   beside    ?
  count_pending               ?            ?            ?            ?            ?         ?            ?            waits        noturn    noturn    noturn   live      live
  count_places                ?            ?            ?            ?            ?         ?            ?            ?            noturn    noturn    noturn   many      ?
  describe_group              job          job          job          job          ?         job          job          job          ?         nopermit  ?        live      live
  draw_starts                 ?            ?            ?            notyet       notyet    notyet       notyet       waits        noturn    noturn    noturn   live      live
  end_vanished                job          job          job          job          job       job          job          job          noturn    noturn    noturn   ?         ?
  enqueue                     +            held         new          +            held      held         held         direct       held      held      held     live      live
  enqueue_claimed             direct       direct       direct       direct       direct    direct       direct       +            held      held      held     live      live
  enqueue_claimed_bare        direct       direct       direct       direct       direct    direct       direct       +            held      held      held     live      live
  enqueue_held                +            +            new          +            +         +            +            direct       +         nopermit  +        live      live
  enqueue_one                 +            held         new          plain        held      held         held         direct       held      held      held     live      live
  enqueue_one_bare            +            held         new          plain        held      held         held         direct       held      held      held     live      live
  enqueue_one_and_notify      +            held         new          plain        held      held         held         direct       held      held      held     live      live
  enqueue_one_and_notify_bare +            held         new          plain        held      held         held         direct       held      held      held     live      live
  enqueue_plain               +            held         new          plain        held      held         held         direct       held      held      held     live      live
  expire_leases               runs         runs         runs         runs         runs      runs         runs         ?            noturn    noturn    noturn   live      live
  expire_staged               +            ?            ?            ?            -         ?            -            ?            +         nopermit  ?        bad       +
  fail_dependents             +            ?            ?            ?            -         ?            -            ?            +         nopermit  ?        bad       +
  explain_laneless            job          job          job          job          job       job          job          job          noturn    noturn    noturn    ?         ?
  explain_job                 ?            ?            view         view         view      view         view         ?            apart     apart     apart    view      view
  explain_key                 keys         keys         keys         keys         keys      ?            keys         ?            keys      ?         keys     live      live
  find_ends                   job          job          job          job          job       job          job          job          noturn    noturn    noturn   ?         ?
  find_kept_ids               ended        ended        ended        ended        ended     ended        ended        ended        noturn    noturn    noturn   ?         ?
  find_kept_steps             job          job          job          job          job       job          job          job          noturn    noturn    noturn   ?         ?
  find_listed                 view         view         view         view         view      view         view         ?            noturn    noturn    noturn   view      view
  find_returning              job          job          job          job          job       job          job          job          noturn    noturn    noturn   ?         ?
  find_unknown_dependency     job          job          job          job          job       job          job          job          noturn    noturn    noturn   ?         ?
  find_waits                  job          job          job          job          ?         job          job          job          noturn       noturn       noturn       live         live
  find_stuck                  job          job          job          job          ?         job          job          job          ?         nopermit  ?        live      live
  free_turns                  job          job          job          job          ?         job          job          job          +         nopermit  ?        live      live
  free_shares                 runs         runs         runs         runs         runs      runs         runs         ?            noturn    noturn    noturn   live      live
  function_enqueue            +            ?            ?            +            ?         ?            ?            waits        held      held      held     live      live
  hand_on                     +            ordered      +            +            -         +            +            waits        -         nopermit  -        live      live
  hand_permits                +            +            +            keys         keys      -            keys         keys         keys      +         keys     live      live
  has_due                     ?            ?            ?            ?            ?         ?            uncommitted  ?            ?         nopermit  ?        live      live
  promote_now                 +            +            +            -            delayed   +            delayed      delayed      holds     holds     holds    live      live
  held_by_lease               runs         runs         runs         runs         runs      runs         runs         ?            holds     holds     holds    live      live
  lift_blocks                 groups       groups       groups       groups       groups    groups       groups       groups       +         nopermit  ~        groups    groups
  list_all_dead_letters       beside       beside       beside       beside       beside    beside       beside       beside       noturn    noturn    noturn   beside    ?
  list_archive                beside       beside       beside       beside       beside    beside       beside       beside       noturn    noturn    noturn   ?         beside
  list_blocked                beside       beside       beside       beside       ?         beside       beside       beside       noturn    noturn    noturn   beside    beside
  list_blocked_groups         groups       groups       groups       groups       ?         groups       groups       groups       groups    groups    ?        groups    groups
  list_by_error_key           beside       beside       beside       beside       beside    beside       beside       beside       noturn    noturn    noturn   beside    ?
  list_by_fingerprint         job          job          job          job          job       job          job          job          noturn    noturn    noturn   ?         ?
  list_by_group               job          job          job          job          job       job          job          job          noturn    noturn    noturn   live      live
  list_by_unique_key          job          job          job          job          job       job          job          job          noturn    noturn    noturn   ?         ?
  list_by_workflow            job          job          job          job          job       job          job          job          noturn    noturn    noturn   live      live
  list_dead_letters           beside       beside       beside       beside       beside    beside       beside       beside       noturn    noturn    noturn   beside    ?
  list_errors                 ended        ended        ended        ended        ended     ended        ended        ended        noturn    noturn    noturn   beside    ?
  list_failing                ?            ?            ?            ?            beside    ?            beside       beside       noturn    noturn    noturn   live      live
  list_fair                   beside       ?            beside       beside       beside    beside       beside       beside       noturn    noturn    noturn   beside    beside
  list_fair_by_lane           beside       ?            beside       beside       beside    beside       beside       beside       noturn    noturn    noturn   beside    beside
  list_keyed                  beside       beside       beside       beside       beside    ?            beside       beside       noturn    noturn    noturn   beside    beside
  list_laneless               job          job          job          job          job       job          job          job          noturn    noturn    noturn    many      ?
  list_laneless_numbers       ?            ?            ?            ?            ?         ?            ?            waits        noturn    noturn    noturn    live      live
  list_lanes_with_jobs        ?            ?            ?            notyet       notyet    notyet       notyet       served       noturn    noturn    noturn   live      live
  list_lost                   ?            ?            ?            ?            ?         ?            ?            ?            noturn    noturn    noturn   live      live
  list_oldest_ready           ?            ?            ?            notyet       notyet    notyet       notyet       waits        noturn    noturn    noturn   live      live
  list_queues                 ?            ?            ?            ?            ?         ?            ?            ?            noturn    noturn    noturn   many      ?
  list_ready                  ?            beside       beside       beside       beside    beside       beside       beside       noturn    noturn    noturn   beside    beside
  list_ready_by_lane          ?            beside       beside       beside       beside    beside       beside       beside       noturn    noturn    noturn   beside    beside
  list_running                beside       beside       beside       beside       beside    beside       beside       ?            noturn    noturn    noturn   beside    beside
  list_scheduled              beside       beside       beside       ?            beside    beside       beside       beside       noturn    noturn    noturn   beside    beside
  list_served_lanes           ?            ?            ?            notyet       notyet    notyet       notyet       served       noturn    noturn    noturn   live      live
  list_shares                 job          job          job          job          job       job          job          ?            noturn    noturn    noturn   live      live
  list_slow_keys              beside       beside       beside       beside       beside    ?            beside       beside       noturn    noturn    noturn   live      live
  list_staged                 beside       beside       beside       beside       beside    beside       ?            beside       noturn    noturn    noturn   beside    beside
  list_suspects               beside       beside       ?            beside       beside    beside       beside       beside       noturn    noturn    noturn   beside    beside
  list_suspects_by_lane       beside       beside       ?            beside       beside    beside       beside       beside       noturn    noturn    noturn   beside    beside
  list_troubles               ?            ?            ?            ?            ?         ?            ?            ?            noturn    noturn    ?        live      ?
  list_waiting_lanes          ?            ?            ?            ?            ?         ?            ?            served       noturn    noturn    noturn   live      live
  list_workers                runs         runs         runs         runs         runs      runs         runs         ?            noturn    noturn    noturn   live      live
  look_at_limit               ?            ?            ?            notyet       notyet    notyet       notyet       waits        noturn    noturn    noturn   live      live
  lose_lease                  runs         runs         runs         runs         runs      runs         runs         ?            noturn    noturn    noturn   live      live
  make_tick                   +            held         new          +            held      held         held         direct       held      held      held     live      live
  note_unused_lanes           ?            ?            ?            ?            ?         ?            ?            ?            noturn    noturn    noturn   retained  retained
  promote                     +            +            +            -            delayed   +            delayed      delayed      ?         nopermit  ?        live      live
  pull_claim                  -            own          -            notyet       notyet    notyet       notyet       +            holds     holds     holds    live      live
  pull_claim_fair             own          -            own          notyet       notyet    notyet       notyet       +            holds     holds     holds    live      live
  purge_ended                 ended        ended        ended        ended        ended     ended        ended        ended        +         nopermit  ~        -         -
  purge_given_ids             job          job          job          job          job       job          job          job          noturn    noturn    noturn   ?         ?
  put_back                    +            +            +            +            holds     +            committed    ends         holds     -         holds    live      live
  reap_claims                 +            suspected    +            suspected    holds     +            committed    -            +         -         +        +         +
  release_claims              +            +            +            atonce       holds     +            committed    -            holds     -         holds    live      live
  release_group               groups       groups       groups       groups       groups    groups       groups       groups       +         nopermit  ~        groups    groups
  remove_unused_lanes         ?            ?            ?            ?            ?         ?            ?            ?            noturn    noturn    ?        retained  ?
  renew_lease                 runs         runs         runs         runs         runs      runs         runs         ?            holds     holds     holds    live      live
  renew_pulled                runs         runs         runs         runs         runs      runs         runs         ?            holds     holds     holds    live      live
  replace                     +-           ?            +-           +-           ?         +-           ?            alone        alone     -         alone    live      live
  restore                     +            +            +            +            +         +            +            ?            +         -         +        live      live
  return_strays               +            +            +            ?            ?         +            +            ?            holds     -         holds    live      live
  revive                      +            +            +            atonce       +         +            committed    waits        +         nopermit  +~       -         -
  sample_payloads             ?            ?            ?            ?            ?         ?            ?            served       noturn    noturn    noturn   live      live
  set_apart                   +            runs         runs         runs         runs      runs         runs         ends         +         -         skipped  bad       +
  settle_and_claim            -            own          own          notyet       inorder   inorder      notyet       +-           inorder   inorder   inorder  unkept    success
  settle_keep_and_claim       -            own          own          notyet       inorder   inorder      notyet       +-           inorder   inorder   inorder  +         success
  settle_ordered              +            ordered      +            +            -         +            +            +-           +         -         ?        +         success
  settle_keyed                +            +            +            +            -            +-           +            +-           +            +-           ?            +            success
  settle_outcomes             +            +            +            +            -            +-           +            +-           +            +-           ?            +            success
  settle_steps                +            held         new          +            held      held         held         ends         held      held      held     +         success
  skip_stages                 +            held         new          +            held      held         held         waits        held      held      held     live      live
  stop_workflow               +            held         new          +            held      held         held         waits        held      held      held     live      live
  take_awaited                job          job          job          job          job       job          job          job          noturn    noturn    noturn   ?         ?
take_dependents             job          job          job          job          job       job          job          job          noturn    noturn    noturn   ?         ?
  take_back                   -            -            new          -            -         -            -            waits        +         nopermit  living   live      live
  take_ends                   +            held         new          +            held      held         held         settled      held      held      held     settled   settled
  take_turn                   groups       groups       groups       groups       groups    groups       groups       groups       ?         nopermit  ?        groups    groups
  take_vacant                 groups       groups       groups       groups       groups    groups       groups       groups       ?         nopermit  ?        groups    groups
  view_jobs                   ?            ?            ?            ?            ?         ?            ?            ?            noturn    noturn    noturn   ?         ?
`;

/** Its columns. */
export const PLACES = TABLE.trim().split('\n')[0]!.trim().split(/\s+/).slice(1);

/** The words of the table. */
export const REASONS: Readonly<Record<string, string>> = {
  alone:
    'a job of a group, or a staged one, holds a place that others count on: it is left alone, as what runs is',
  apart: 'describe_group is asked beside it, where the job is blocked',
  atonce: 'what comes back here may run at once',
  bad: 'it ends badly, so it is a dead letter',
  beside: 'one of several that are asked side by side, each for a place of its own',
  cancelled: 'a cancelled job goes to the archive',
  committed: 'what ran once was committed before',
  delayed: 'it is about scheduled jobs alone',
  direct: 'enqueue_claimed stores a job as claimed, and others do not',
  ended: 'it is about ended jobs alone',
  ends: 'a claim ends after the last of its jobs, with a later statement',
  groups: 'it is about the turns of groups, wherever their jobs stand',
  held: 'enqueue_held stores what has a group, or waits for a commit',
  holds: 'the turn of its group goes with the job, which still lives',
  inorder: 'settle_ordered settles the jobs of ordered groups',
  job: 'it finds the row of the job, wherever the job stands',
  live: 'it is about live jobs alone',
  keys: 'it is about keys and their permits alone',
  living: 'a head names a dead job, and here none dies',
  many: 'successes are not counted: nobody waits for them, and they are many',
  new: 'a new job is suspected of nothing',
  nopermit: 'it is about no job that has a permit of its key',
  noturn: 'it is about jobs, not about turns',
  notyet: 'a job in this place may not run yet',
  ordered: 'a job stands in an ordered group or in a fair queue, never in both',
  own: 'another statement claims from this place',
  plain: 'it stores what is due now; enqueue stores the others',

  retained: 'the janitor waits for longer than this is kept',
  runs: 'it is about what runs, which stands in its claim alone',
  served: 'what runs has a worker that serves it',
  settled: 'the statement before it has settled the job',
  skipped: 'its turn becomes vacant, whatever the policy for dead jobs',
  success: 'a success is no dead letter, and blocks no group',
  suspected: 'what a crash gives back is a suspect',
  timeless: 'it holds no time',
  uncommitted: 'it is about jobs that wait for their commit, or leaves them alone until then',
  unkeyed: 'complete_keyed completes a job that has a key',
  unkept: 'settle_keep_and_claim settles what is kept',
  view: 'it asks the view, which knows the place',
  waits: 'it is about what waits, not about what runs',
  whole: 'check_places looks at turns: they are known only where everything is read',
};

/** Statements that know no place at all, by the reason. */
export const PLACELESS: Readonly<Record<string, string>> = {
  'find a job by its row, wherever it stands':
    'accompany checkpoint progress fetch_heavy take_staged find_live_keys find_live_keys_by_name find_by_fingerprint find_by_group find_by_unique_key find_by_workflow find_given find_unlocked',
  'ask the view': 'find_job find_live count_waiting list_enqueued',
  'know queues and lanes, not what is in them':
    'lanes_by_number list_lanes list_lane_numbers list_queue_names find_lanes look_up_lane find_unserved note_served_lanes note_pulled_lanes note_purged register_lanes register_queues pause_queue resume_all',
  'know leases, not what is claimed under them':
    'take_lease keep_lease end_lease serve_lanes find_lapsed list_live_workers',
  'know keys, ids and periods':
    'take_headroom forget_ids note_replayed find_periods open_periods purge_periods purge_buckets purge_rests',
  'know schedules and the rows of their jobs, wherever those stand':
    'add_ticks find_due_schedules find_schedules list_schedules list_ticks move_schedule note_tick purge_ticks put_schedule remove_schedules let_ticks_go see_schedules take_waiting_tick none_waits troubled_schedules',
  'know workflows, and what their jobs are made of':
    'take_adding find_adder grow_stage end_adder find_callbacks find_again wait_again ask_to_stop begin_stages begin_undo count_compensated end_saga fail_stage fail_undo find_drafts find_failed_steps find_failed_undo find_step find_workflow find_workflow_key find_workflow_states list_workflows lock_workflow mark_stop mark_stuck next_undo purge_workflows read_drafts rename_steps retry_undo retry_workflow start_workflow stop_expired stopped store_compensations store_drafts store_steps take_beginning take_stop take_undo upstream upstream_size wake_undo find_vanished find_steps await_jobs await_again store_dependents find_dependencies',
  'know limits and their shares':
    'declare_limit remove_limits reset_limit set_limit take_share give_share end_share return_permit return_starts hold_limit lend keep_lent enter_limit keep_entered list_limits',
  'know what operators did': 'begin_act end_act list_acts purge_acts',
  'know what was counted, not what is there':
    'write_tally sum_up_workers sum_up_minutes list_series list_rates list_busiest list_run_times',
  'know which queue tells its ends to which': 'list_outcomes lock_outcomes declare_outcomes',
  'lock, draw or tell, and touch no row':
    'lock_groups_of lock_keys lock_all_keys lock_lanes lock_pending lock_seen draw_turns await_group notify',
  'know the server, its sessions, the version of the tables and their partitions':
    'backend end_sessions list_room list_sessions count_defaults database_time describe_schema list_partitions list_prepared_transactions list_replication_slots migrations_recorded purge_archive_default purge_dead_letter_default purge_tally_default release_savepoint role_rights rollback_to_savepoint savepoint schema_version server_state session_state snapshot_holders table_vacuums tables_name try_partition_lock FORGET_MIGRATION LIST_MIGRATIONS TRY_MIGRATION_LOCK',
};

/** Tables in which no job stands and no turn is held. */
export const NO_PLACES: Readonly<Record<string, string>> = {
  version: 'the version of the tables',
  migration: 'the migrations that ran',
  queue: 'the registry',
  outcome: 'which queue tells its ends to which',
  lane: 'the registry',
  job: 'what a live job is, wherever it stands',
  lease: 'who lives; its claims say what it holds',
  lapsed: 'what a remote worker has lost',
  throttle: 'periods of keys',
  headroom: 'how many more jobs a queue takes before they are counted',
  given_id: "notes of callers' ids",
  schedule: 'jobs to come',
  tick: 'what became of their times',
  workflow: 'jobs that wait for other jobs',
  stage: 'its steps',
  edge: 'which of them wait for which',
  step: 'what became of their jobs',
  draft: 'jobs to come',
  undo: 'what is compensated if their workflow fails',
  arrival: 'what workflows have to be told',
  fleet_limit: 'limits across the fleet',
  key_change: 'keys in which something has changed, wherever their jobs stand',
  key_bucket: 'rates of keys',
  allotment: 'who has which share of a limit',
  tally: 'what workers have counted',
  operator_action: 'what operators did',
};
