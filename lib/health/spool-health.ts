import type { SpoolState } from '../spool/state.js';

/** Jobs and bytes on this machine's disk. `aside`: what was refused or is damaged, and waits for a person. */
export interface SpoolHealth {
  jobs: number;
  bytes: number;
  maxBytes: number;
  aside: number;
}

export const spoolInShort = ({ jobs, bytes, maxBytes, aside }: SpoolState): SpoolHealth => ({
  ...{ jobs, bytes, maxBytes },
  aside: aside.jobs + aside.damaged,
});
