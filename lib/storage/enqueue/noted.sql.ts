/**
 * A member of a `with` that notes which ids callers gave, in one order for all: a rival's row that is not committed is waited for. `item`
 * returns rows of `id` and `given`; $1 is the shard.
 */
export const NOTED = `noted as (
    insert into simple_queue.given_id (id, shard) select id, $1 from item where given order by id
    on conflict do nothing
    returning id)`;

/** Of an item: its id is ours, or new. */
export const MAY_COME_IN = `(given is not true or id in (select id from noted))`;
