import type { FoundStep } from '../../job/workflow.js';
import type { Cell } from './table.js';

type Tone = Exclude<Cell, string>['tone'];

const TONES: Readonly<Record<string, Tone>> = {
  running: 'warn',
  succeeded: 'good',
  failed: 'bad',
  stuck: 'bad',
  compensating: 'warn',
  compensated: 'dim',
  cancelled: 'dim',
  skipped: 'dim',
};

export const workflowTone = (state: string): Tone => TONES[state];

/** Steps as a tree: each beneath the last one that it waits for, with the others named beside it. */
export function linesOf(steps: readonly FoundStep[]): Cell[][] {
  const width = Math.max(0, ...steps.map((step) => step.name.length + 2 * depthOf(step, steps)));
  const under = (parent: string | undefined, indent: string): Cell[][] => {
    const children = steps.filter((step) => step.after.at(-1)?.name === parent);
    return children.flatMap((step, n) => {
      const isLast = n === children.length - 1;
      const head = `${indent}${isLast ? '└ ' : '├ '}${step.name}`.padEnd(width + 2);
      return [[head, ...told(step)], ...under(step.name, `${indent}${isLast ? '  ' : '│ '}`)];
    });
  };
  return under(undefined, '');
}

function told(step: FoundStep): Cell[] {
  const { state, many, after, waitsFor, error } = step;
  const others = after.slice(0, -1).map(({ name }) => name);
  const when = after[0]?.when;
  const words = [
    many && state !== 'skipped' ? ends(step) : '',
    waitsFor.length > 0 ? `waits for ${waitsFor.join(', ')}` : '',
    others.length > 0 ? `also after ${others.join(', ')}` : '',
    when && when !== 'succeeded' ? `when ${when}` : '',
    error ? `${error.name}: ${error.message}` : '',
    undone(step),
  ].filter((text) => text !== '');
  return [{ text: state.padEnd(11), tone: workflowTone(state) }, words.join('; ')];
}

function ends({ jobs, done, failed, cancelled }: FoundStep): string {
  const others = [
    failed > cancelled && `, ${failed - cancelled} failed`,
    cancelled > 0 && `, ${cancelled} cancelled`,
  ];
  return `${done} of ${jobs}${others.filter(Boolean).join('')}`;
}

function undone({ compensation, many }: FoundStep): string {
  if (!compensation || compensation.state === 'unused') return '';
  const { state, done, jobs, error } = compensation;
  return `compensation ${state}${many ? ` (${done} of ${jobs})` : ''}${error ? `: ${error.name}: ${error.message}` : ''}`;
}

function depthOf(step: FoundStep, steps: readonly FoundStep[]): number {
  let depth = 1;
  for (let at: FoundStep | undefined = step; at?.after.length; depth++) {
    const parent: string = at.after.at(-1)!.name;
    at = steps.find(({ name }) => name === parent);
  }
  return depth;
}
