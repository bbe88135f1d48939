/**
 * What a remote worker holds: `own` says of each claim whether it `is_new` (began less than 5 s ago), and whether nothing may come beside it
 * yet: a lone suspect has 5 s, and four times as much after each crash that said nothing since others were beside it.
 */
export const OWN_CLAIMS = (worker: string): string => `own as materialized (
    select c.jobs, c.created_at > statement_timestamp() - interval '5 seconds' as is_new,
      coalesce(c.created_at > statement_timestamp() - interval '5 seconds' * power(4, (j.suspicion - 3) / 2), false) as is_alone
    from simple_queue.lease l
    cross join lateral (select jobs, created_at from simple_queue.claim where id = l.id and shard = $1 offset 0) c
    left join lateral (
      select suspicion from simple_queue.job where id = c.jobs[1] and shard = $1 and suspicion > 2 and suspicion % 2 = 1 offset 0) j on true
    where l.shard = $1 and l.worker = ${worker} and l.expires_at > statement_timestamp())`;

/** What was `taken` comes beside lone suspects that have had their time. */
export const ACCOMPANIED = (taken: string): string => `accompanied as (
    update simple_queue.job set suspicion = suspicion + 1 where shard = $1 and suspicion > 2 and suspicion % 2 = 1
      and id = any(array(select jobs[1] from own where exists (select from ${taken}))))`;
