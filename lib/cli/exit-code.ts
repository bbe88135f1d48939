/** What scripts get. */
export const EXIT = {
  ok: 0,
  /** It failed, or it found trouble. */
  trouble: 1,
  /** The call was wrong; nothing was done. */
  usage: 2,
  /** Ctrl-C, as shells have it: 128 and the number of the signal. */
  interrupted: 130,
  terminated: 143,
} as const;
