/** A UUID of version 7 for SQL: the milliseconds of `at` in front of a random one, the mark of ids made here, and the version's bits. */
export const newId = (
  at: string,
): string => `pg_catalog.encode(pg_catalog.set_bit(pg_catalog.set_bit(overlay(overlay(pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
      placing substring(pg_catalog.int8send(pg_catalog.floor(extract(epoch from ${at}) * 1000)::bigint) from 3) from 1 for 6) placing '\\x51'::bytea from 16), 52, 1), 53, 1), 'hex'::text)::uuid`;
