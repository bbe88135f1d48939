/** How much is done, by kind of run. Quick: all rows in under five minutes, to see that everything works; its figures are rough. */
export const FULL = {
  samples: 3,
  drain: 100_000,
  warm: 5_000,
  warmMs: 2_000,
  limitMs: 20_000,
  enqueue: 20_000,
  enqueueMs: 5_000,
  transactions: 2_000,
  bulk: 100_000,
  io: 20_000,
  idleLatency: 200,
  busyLatency: 5_000,
  crowd: 1_000_000,
  crowdDrain: 50_000,
  snapshot: 300_000,
  burst: 300_000,
  held: 10_000,
  heldMs: 60_000,
  idleMs: 30_000,
  lateMs: [100, 1_000, 20_000],
};

export const QUICK = {
  samples: 1,
  drain: 20_000,
  warm: 2_000,
  warmMs: 500,
  limitMs: 1_500,
  enqueue: 2_000,
  enqueueMs: 1_000,
  transactions: 200,
  bulk: 20_000,
  io: 2_000,
  idleLatency: 20,
  busyLatency: 500,
  crowd: 40_000,
  crowdDrain: 20_000,
  snapshot: 50_000,
  burst: 50_000,
  held: 2_000,
  heldMs: 5_000,
  idleMs: 3_000,
  lateMs: [100, 1_000],
};

/** Left out of a quick run: further shapes of what is in it anyway. */
export const NOT_QUICK = ['ours-wide', 'ours-node-20', 'graphile-200', 'bull-200', 'bull-fsync'];
