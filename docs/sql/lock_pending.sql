-- $1 integer
prepare lock_pending as
select level, case when level in ('read committed', 'read uncommitted')
    then pg_advisory_xact_lock(pg_catalog.hashtextextended('simple_queue.pending:' || $1::int::text, 0))::text end
  from current_setting('transaction_isolation') level;
