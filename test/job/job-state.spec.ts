import { describe, expect, it } from '@jest/globals';
import {
  isTerminal,
  KEPT_IN,
  LOST,
  LIVE_STATES,
  MOVES,
  TERMINAL_STATES,
  type JobState,
} from '../../lib/job/job-state.js';

const STATES: readonly JobState[] = [...LIVE_STATES, LOST, ...TERMINAL_STATES];

/** Every state that can follow, at any distance. */
function reachableFrom(state: JobState, seen = new Set<JobState>()): Set<JobState> {
  for (const next of MOVES[state]) if (!seen.has(next)) reachableFrom(next, seen.add(next));
  return seen;
}

describe('the table of moves', () => {
  it('knows each state', () => {
    expect(Object.keys(MOVES).sort()).toEqual([...STATES].sort());
  });

  it('leads only to known states, and never to the same one', () => {
    for (const [state, next] of Object.entries(MOVES)) {
      expect(STATES).toEqual(expect.arrayContaining([...next]));
      expect(next).not.toContain(state);
    }
  });

  it('leaves no terminal state but by an operator, who asks for the job again', () => {
    expect(TERMINAL_STATES.map((state) => MOVES[state])).toEqual(
      TERMINAL_STATES.map(() => ['ready', 'blocked']),
    );
  });

  it.each(LIVE_STATES)('lets a %s job come to every end', (state) => {
    expect([...reachableFrom(state)]).toEqual(expect.arrayContaining([...TERMINAL_STATES]));
  });

  it('lets a job expire that nobody commits, or that runs and reschedules itself', () => {
    expect(STATES.filter((state) => MOVES[state].includes('expired'))).toEqual([
      'staged',
      'running',
    ]);
  });

  it('ends a waiting job only by cancelling it: every other end needs a run', () => {
    const ends = (['blocked', 'scheduled', 'ready'] as const).flatMap((state) =>
      MOVES[state].filter(isTerminal),
    );
    expect(ends).toEqual(['cancelled', 'cancelled', 'cancelled']);
  });
});

it('tells live states from terminal ones', () => {
  expect(STATES.filter(isTerminal)).toEqual([...TERMINAL_STATES]);
});

it('keeps what succeeded or was cancelled in the archive, and all other ends in the dead letter table', () => {
  const archived = TERMINAL_STATES.filter((state) => KEPT_IN[state] === 'archive');
  expect(archived).toEqual(['succeeded', 'cancelled']);
});
