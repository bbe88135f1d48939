/**
 * The lone suspects that a remote worker holds, and whether nothing may come beside them yet: one has 5 s, and four times as much after each
 * crash that said nothing since others were beside it. Along `lease_worker`, however many leases the worker has.
 */
export const OWN_CLAIMS = (worker: string): string => `own as materialized (
    select j.id, l.created_at > statement_timestamp() - interval '5 seconds' * power(4, (j.suspicion - 3) / 2) as is_alone
    from simple_queue.lease l
    cross join lateral (
      select id, suspicion from simple_queue.job where id = l.jobs[1] and shard = $1 and suspicion > 2 and suspicion % 2 = 1 offset 0) j
    where l.worker = ${worker} and l.shard = $1 and l.lone and l.expires_at > statement_timestamp())`;

/** What was `taken` comes beside lone suspects that have had their time. */
export const ACCOMPANIED = (taken: string): string => `accompanied as (
    update simple_queue.job set suspicion = suspicion + 1 where shard = $1 and suspicion > 2 and suspicion % 2 = 1
      and id = any(array(select id from own where exists (select from ${taken}))))`;
