/** While a job is live it is in exactly one of these places. */
export const LIVE_STATES = ['staged', 'blocked', 'scheduled', 'ready', 'running'] as const;

/** A live job whose row in its place somebody has deleted: it is nowhere. Nothing leads here; `retry` puts it back, `cancel` ends it. */
export const LOST = 'lost';

/** How a job can end. `succeeded` and `cancelled` go to the archive, the rest to the dead letter table. */
export const TERMINAL_STATES = [
  'succeeded',
  'failed',
  'critical',
  'unprocessable',
  'cancelled',
  'poisoned',
  'expired',
] as const;

/** Where a live job is: `staged` until its commit, `blocked` until its turn, `scheduled` until its time. */
export type LiveState = (typeof LIVE_STATES)[number];
/** How a job has ended. */
export type TerminalState = (typeof TERMINAL_STATES)[number];
/** The state of a job; docs/reference/state-machine.md draws the moves between them. */
export type JobState = LiveState | typeof LOST | TerminalState;

/** The only list of allowed moves. docs/reference/state-machine.md draws it and a test compares the two. */
export const MOVES: Readonly<Record<JobState, readonly JobState[]>> = {
  staged: ['blocked', 'scheduled', 'ready', 'cancelled', 'expired'],
  blocked: ['scheduled', 'ready', 'cancelled'],
  scheduled: ['ready', 'blocked', 'cancelled'],
  ready: ['running', 'scheduled', 'blocked', 'cancelled'],
  running: [
    'ready',
    'blocked',
    'scheduled',
    'succeeded',
    'failed',
    'critical',
    'unprocessable',
    'cancelled',
    'poisoned',
    'expired',
  ],
  lost: ['staged', 'blocked', 'scheduled', 'ready', 'cancelled'],
  // An operator may ask for an ended job again: `QueueAdmin.retry` and `redrive`.
  succeeded: ['ready', 'blocked'],
  failed: ['ready', 'blocked'],
  critical: ['ready', 'blocked'],
  unprocessable: ['ready', 'blocked'],
  cancelled: ['ready', 'blocked'],
  poisoned: ['ready', 'blocked'],
  expired: ['ready', 'blocked'],
};

/** Where the row of an ended job is kept. */
export const KEPT_IN: Readonly<Record<TerminalState, 'archive' | 'dead_letter'>> = {
  succeeded: 'archive',
  cancelled: 'archive',
  failed: 'dead_letter',
  critical: 'dead_letter',
  unprocessable: 'dead_letter',
  poisoned: 'dead_letter',
  expired: 'dead_letter',
};

/** All states there are, in the order in which they are listed. */
export const JOB_STATES: readonly JobState[] = [...LIVE_STATES, LOST, ...TERMINAL_STATES];

export const isTerminal = (state: JobState): state is TerminalState =>
  (TERMINAL_STATES as readonly JobState[]).includes(state);

/** In these the job is a dead letter. */
export const DEAD_STATES = TERMINAL_STATES.filter((state) => KEPT_IN[state] === 'dead_letter');

/** Those that a redrive means that names no state: what has expired, nobody committed or something else must succeed first. */
export const FAILED_STATES = DEAD_STATES.filter((state) => state !== 'expired');

export const isDead = (state: JobState): boolean =>
  (DEAD_STATES as readonly JobState[]).includes(state);

/** What a job that failed for good does to its ordered group. */
export type OnDeadJob = 'block' | 'skip' | 'halt';
