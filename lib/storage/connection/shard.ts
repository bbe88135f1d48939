/** One server has one shard. Every statement carries it, so that a cluster distributed by it runs the same text. */
export const SHARD = 0;
