/**
 * Where the epochs of a job begin whose id may have been another life's: a revived one, or one whose id its caller gave. Runs of that other
 * life may still answer, and how far it came is not kept. So each life begins somewhere else, at random between a million, which no life
 * that began at 0 reaches, and half of what an int holds: neither a clock nor a tick can make two begin together.
 */
export const NEW_LIFE = `1000000 + (pg_catalog.uuid_hash_extended(gen_random_uuid(), 0) & 1073741823::bigint)::int`;
