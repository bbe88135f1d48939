import type { Counts } from '../status/queue-counts.js';

const LIVE = ['ready', 'scheduled', 'running'];
const ENDED_WELL = ['succeeded', 'cancelled'];

export const number = (value: number): string => value.toLocaleString('en');

export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** `12 ready, 5 running, 340 succeeded, 3 dead`: whatever ended badly is in the dead letter queue. */
export function countsLine(counts: Counts): string {
  const named = [...LIVE, ...ENDED_WELL].map((state) => [state, counts[state] ?? 0] as const);
  return [...named, ['dead', dead(counts)] as const]
    .filter(([, jobs]) => jobs > 0)
    .map(([state, jobs]) => `${number(jobs)} ${state}`)
    .join(', ');
}

/** Jobs that wait or run. */
export function live(counts: Counts = {}): number {
  return LIVE.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
}

/** Jobs in the dead letter queue. */
export function dead(counts: Counts = {}): number {
  const others = Object.entries(counts).filter(
    ([state]) => !LIVE.includes(state) && !ENDED_WELL.includes(state),
  );
  return others.reduce((sum, [, jobs]) => sum + jobs, 0);
}
