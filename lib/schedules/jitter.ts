import { createHash } from 'node:crypto';

/** When the job of a time runs: later by a hash of name and time, the same in every process. */
export function runTimeOf(name: string, at: number, jitterMs: number): number {
  if (jitterMs === 0) return at;
  const hash = createHash('sha256').update(`${name}\n${at}`).digest().readUInt32BE();
  return at + (hash % (jitterMs + 1));
}
