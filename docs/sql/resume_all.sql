-- no parameters
prepare resume_all as
update simple_queue.queue set paused_at = null where paused_at is not null;
