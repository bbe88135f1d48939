-- $1 text[]
prepare register_queues as
insert into simple_queue.queue (name) select distinct name from unnest($1::text[]) u(name) order by name on conflict (name) do nothing;
