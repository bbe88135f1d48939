/** How much is done, by kind of run. Quick: all rows in under five minutes, to see that everything works; its figures are rough. */
export const FULL = {
  samples: 3,
  drain: 100_000,
  /** What takes its share of a limit does so once: of a drain of a second that would be a twentieth. */
  limited: 300_000,
  ordered: 100_000,
  payload2k: 50_000,
  payload32k: 5_000,
  warm: 20_000,
  warmMs: 2_000,
  limitMs: 5_000,
  enqueue: 20_000,
  enqueueMs: 3_000,
  enqueueLimited: 4_000,
  transactions: 2_000,
  bulk: 100_000,
  io: 20_000,
  idleLatency: 100,
  busyLatency: 2_500,
  chain: 100,
  fan: 10_001,
  crowd: 1_000_000,
  crowdDrain: 50_000,
  snapshot: 300_000,
  burst: 300_000,
  held: 10_000,
  heldMs: 60_000,
  /** The janitor looks after fifteen seconds for the first time, then each minute: one of its rounds is in the minute that counts. */
  settleMs: 20_000,
  idleMs: 60_000,
  lateMs: [100, 1_000, 20_000],
};

export const QUICK = {
  samples: 1,
  drain: 20_000,
  limited: 20_000,
  ordered: 20_000,
  payload2k: 5_000,
  payload32k: 500,
  warm: 10_000,
  warmMs: 500,
  limitMs: 1_500,
  enqueue: 2_000,
  enqueueMs: 1_000,
  enqueueLimited: 400,
  transactions: 200,
  bulk: 20_000,
  io: 2_000,
  idleLatency: 20,
  busyLatency: 500,
  chain: 100,
  fan: 1_001,
  crowd: 40_000,
  crowdDrain: 20_000,
  snapshot: 50_000,
  burst: 50_000,
  held: 2_000,
  heldMs: 5_000,
  settleMs: 3_000,
  idleMs: 3_000,
  lateMs: [100, 1_000],
};

/**
 * What is done where statements are counted: that sample is not timed, and costs per job need no 100,000 jobs. What counts by the minute takes its
 * time all the same, and so does what has one sample.
 */
export const counted = (sizes) => ({
  ...sizes,
  ...Object.fromEntries(COUNTED.map((size) => [size, Math.min(sizes[size], QUICK[size])])),
});

const COUNTED = [
  'drain',
  'limited',
  'ordered',
  'payload2k',
  'payload32k',
  'enqueue',
  'enqueueMs',
  'enqueueLimited',
  'transactions',
  'bulk',
  'io',
  'idleLatency',
  'busyLatency',
  'fan',
  'crowd',
  'crowdDrain',
  'snapshot',
  'burst',
];

/** Left out of a quick run: further shapes of what is in it anyway. */
export const NOT_QUICK = ['ours-wide', 'ours-node-20', 'graphile-200', 'bull-200', 'bull-fsync'];
