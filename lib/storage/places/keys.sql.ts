/** Members of a `with`: those jobs of `from` (`id`, `limit_key`; called `t`) that have a permit of their key give it back. */
const unpermitted = (from: string): string => `unpermitted as (
    delete from simple_queue.permit where shard = $1 and ctid = any(array(
      select p.ctid from ${from} cross join lateral (
        select ctid from simple_queue.permit where id = t.id and shard = $1 limit 1 for update) p
      where t.limit_key is not null)) returning limit_key, queue)`;

/** A member: whoever hands permits on looks at the keys of these members, each once. */
export const changed = (members: readonly string[]): string => `changed as (
    insert into simple_queue.key_change (shard, limit_key, queue)
    select distinct $1::smallint, limit_key, queue from (
      ${members.map((member) => `select limit_key, queue from ${member}`).join(' union all ')}) k)`;

/** Members for who ends jobs: the permits of those of `from` are free. */
export const permitsFreed = (from: string): string =>
  `${unpermitted(from)},\n  ${changed(['unpermitted'])}`;

/** A member for who puts new jobs into `keyed`. */
export const KEYS_ASKED = changed(['keyed']);

/** Members for who moves jobs, also to `keyed`: they have no permit until they are handed one. */
export const permitsAskedAnew = (from: string): string =>
  `${unpermitted(from)},\n  ${changed(['unpermitted', 'keyed'])}`;
