/** How a `head` says that no dead job holds the turn of its group; whoever writes it makes the turn vacant, or gives it to a job. */
export const UNBLOCKED = 'dead = null, dead_seq = null, dead_at = null, dead_until = null, halts = false';
