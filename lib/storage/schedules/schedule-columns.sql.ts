/** Milliseconds since 1970: Node.js calculates with them, and no format or time zone of a session comes between. */
export const msOf = (moment: string): string => `(extract(epoch from ${moment}) * 1000)::float8`;

/** Is it the moment that `msOf` has told of? Who writes one by hand gives it microseconds, which Node.js does not know. */
export const isMoment = (moment: string, told: string): string =>
  `(${moment} between ${told}::timestamptz - interval '1 ms' and ${told}::timestamptz + interval '1 ms')`;

/** Does a worker that lives declare schedule `s`, in this form or another, or has one said so that is about to start, and has no lease yet? */
export const IS_DECLARED = `(s.announced_at is not null and s.announced_at > statement_timestamp() - interval '5 minutes' or exists (
      select from simple_queue.lease l where l.shard = $1 and s.name = any(l.schedules) and l.expires_at > statement_timestamp()))`;

/** What is read of schedule `s`. `alive`: the lease of the worker that vouches for it, as it is, holds. */
export const SCHEDULE_COLUMNS = `s.name, s.owner, s.spec, s.payload::text as payload, s.hash, s.declared, s.waiting,
    ${msOf('s.created_at')} as "createdAt", ${msOf('s.paused_at')} as "pausedAt", ${msOf('s.next_at')} as "nextAt", ${msOf('s.last_at')} as "lastAt",
    exists (select from simple_queue.lease l where l.id = s.seen_by and l.shard = $1 and l.expires_at > statement_timestamp()) as alive,
    ${IS_DECLARED} as "isDeclared"`;

/** The jobs of schedule `s` that have not ended: each by its key, or a planner that believes the table small walks it whole. */
export const LIVE_JOBS = `select j.id from pg_catalog.unnest(s.jobs) u(id)
        cross join lateral (select id from simple_queue.job where id = u.id and shard = $1 offset 0) j`;

/** Schedule `s` ($2) is as this snapshot knows it: what another one has made of it meanwhile is live, and not found among `LIVE_JOBS`. */
export const KNOWS_JOBS = `s.jobs = (select p.jobs from simple_queue.schedule p where p.name = $2 and p.shard = $1)`;
