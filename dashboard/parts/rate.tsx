import type { QueueRate } from '../../lib/dashboard/looks/rates.js';
import { number } from './words.js';

const [WIDTH, HEIGHT] = [55, 16];
const STEP_MINUTES = 5;

/** Runs of the last hour as a line, those per minute of its last part as a number, and which share of them failed. */
export function Rate({ of }: { of: QueueRate | undefined }) {
  if (!of) return <span class="none">0</span>;
  const { runs, failed, ended } = of;
  const most = Math.max(1, ...runs);
  const points = runs.map((jobs, step) => `${step * 5},${HEIGHT - (jobs / most) * (HEIGHT - 1)}`);
  const perMinute = runs.at(-1)! / STEP_MINUTES;
  return (
    <>
      {failed > 0 && <span class="bad">{Math.ceil((failed / ended) * 100)} % fail </span>}
      <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
        <polyline points={points.join(' ')} />
      </svg>{' '}
      {number(perMinute < 10 ? Math.round(perMinute * 10) / 10 : Math.round(perMinute))}
    </>
  );
}
