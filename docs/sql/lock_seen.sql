-- $1 text
prepare lock_seen as
select set_config('lock_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '10min', true),
    pg_advisory_xact_lock(hashtextextended('simple_queue.seen:' || $1::text, 0));
