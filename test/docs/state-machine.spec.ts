import { expect, it } from '@jest/globals';
import { JOB_STATES, MOVES, TERMINAL_STATES } from '../../lib/job/job-state.js';
import { read, tableUnder } from './documents.js';

const [, diagram = ''] =
  /^```mermaid\nstateDiagram-v2\n([\s\S]*?)^```$/m.exec(read('docs/reference/state-machine.md')) ??
  [];
const arrows = [...diagram.matchAll(/^ *(\S+) --> (\S+?)(?:: .+)?$/gm)].map(([, from, to]) => ({
  from: from!,
  to: to!,
}));
const drawn = (wanted: (arrow: { from: string; to: string }) => boolean): string[] =>
  arrows.filter(wanted).map(({ from, to }) => `${from} -> ${to}`);

const allowed = Object.entries(MOVES).flatMap(([from, moves]) =>
  moves.map((to) => `${from} -> ${to}`),
);

it('draws every allowed move', () => {
  expect(drawn(({ from, to }) => from !== '[*]' && to !== '[*]')).toEqual(
    expect.arrayContaining(allowed),
  );
});

it('draws no other move, and each once', () => {
  expect(drawn(({ from, to }) => from !== '[*]' && to !== '[*]').sort()).toEqual(
    [...allowed].sort(),
  );
});

it('begins and ends where a job does', () => {
  expect(drawn(({ from }) => from === '[*]').sort()).toEqual([
    '[*] -> blocked',
    '[*] -> ready',
    '[*] -> scheduled',
    '[*] -> staged',
  ]);
  expect(drawn(({ to }) => to === '[*]').sort()).toEqual(
    TERMINAL_STATES.map((state) => `${state} -> [*]`).sort(),
  );
});

it('says something of every state', () => {
  const told = tableUnder('docs/reference/state-machine.md', 'States').map(([state]) => state);
  expect(told).toEqual(JOB_STATES);
});
