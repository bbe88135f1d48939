/** What scripts get. An interrupted command exits with 130 (Ctrl-C) or 143 (SIGTERM), as shells have it. */
export const EXIT = {
  ok: 0,
  /** It failed, or it found trouble. */
  trouble: 1,
  /** The call was wrong; nothing was done. */
  usage: 2,
} as const;
