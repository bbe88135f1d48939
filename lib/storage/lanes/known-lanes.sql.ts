/**
 * Whether the database still knows the lanes of an insert, by their numbers (`lanes`, an int[]): all, or nothing is stored and a row without an
 * id says so. They are empty where they were registered a moment ago, which a transaction with an older snapshot cannot see. One look by
 * primary key; it locks nothing: who takes a lane for unused waits a day before it goes.
 */
export const knownLanes = (lanes: string): string => `known as materialized (
    select where (select count(*) from simple_queue.lane where id = any(${lanes}::int[]) and unused_at is null) = pg_catalog.cardinality(${lanes}::int[]))`;

export const UNKNOWN_LANES = `select null::uuid as id where not exists (select from known)`;
