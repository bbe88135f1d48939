/** Whatever is of the key and the queue of this row. */
export const sameKey = (row: string): string =>
  `limit_key = ${row}.limit_key and shard = $1 and queue = ${row}.queue`;
