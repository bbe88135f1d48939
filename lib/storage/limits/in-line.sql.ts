/**
 * Who waits for a limit has a row in line: a share that holds nothing and ends by itself. What whoever came before `since` waits for is left to
 * them: to a call its whole weight, to others one, which say again when they ask for more.
 */
const inLineBefore = (since: string, self: string): string =>
  `(select coalesce(sum(case when holder is not null and lanes = '{}' then wanted else 1 end), 0)::int from simple_queue.allotment
    where name = $2 and shard = $1 and n = 0 and expires_at > statement_timestamp() and lease <> ${self} and turn_at < ${since})`;

/** The row in line of who asks as `self`: its turn counts from its first question. */
const sinceOf = (self: string): string =>
  `coalesce((select turn_at from simple_queue.allotment where name = $2 and shard = $1 and lease = ${self}), statement_timestamp())`;

/** `line.n`: what is left to those in front of `self`, who may wait for longer than its row says (`since`). */
export const lineBefore = (self: string, since = sinceOf(self)): string =>
  `line as materialized (select ${inLineBefore(since, self)} as n)`;

export const IN_FRONT = '(select n from line)';

/** Whoever asks under another id each time: its row is of its name. */
export const rowOf = (name: string): string => `md5(${name})::uuid`;

/** Who does not ask again for so long does not wait any more. */
export const IN_LINE_MS = 5_000;
