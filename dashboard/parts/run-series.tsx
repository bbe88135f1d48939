import type { SeriesAnswer } from './answers.js';
import { Chart, type Strand } from './chart.js';
import { useLook } from './live.js';
import { Shown } from './small.js';

const SPANS: [hours: string, label: string][] = [
  ['1', '1 h'],
  ['6', '6 h'],
  ['24', '24 h'],
  ['168', '7 d'],
  ['720', '30 d'],
];

type Point = SeriesAnswer['points'][number];

/** How runs ended, the expected first. */
const ENDS: [name: string, of: (point: Point) => number][] = [
  ['succeeded', ({ succeeded }) => succeeded],
  ['retried', ({ retried }) => retried],
  ['failed', ({ failed, lost }) => failed + lost],
  ['other', ({ rescheduled, released, cancelled }) => rescheduled + released + cancelled],
];

const times = (part: 'wait' | 'run', points: Point[]): Strand[] =>
  (['p50', 'p95', 'p99'] as const).map((name) => ({
    name,
    values: points.map((point) => point[part]?.[name]),
  }));

/** Throughput, waits and runs, of a queue or of all. */
export function RunSeries({
  queue,
  hours = '1',
  place,
}: {
  queue?: string;
  hours: string | undefined;
  place: (hours: string) => string;
}) {
  const looked = useLook<SeriesAnswer>('series', { queue, hours });
  return (
    <>
      <h2>What ran</h2>
      <p class="buttons">
        {SPANS.map(([value, label]) => (
          <a key={value} href={place(value)} aria-current={value === hours ? 'true' : undefined}>
            {label}
          </a>
        ))}
        <span class="quiet">Workers write once a minute.</span>
      </p>
      <Shown looked={looked}>{({ points }) => <Charts points={points} />}</Shown>
    </>
  );
}

function Charts({ points }: { points: Point[] }) {
  if (points.every(({ started }) => started === 0))
    return <p class="quiet">Nothing has run in this time.</p>;
  const at = points.map((point) => point.at);
  const ends = ENDS.map(([name, of]) => ({ name, values: points.map(of) }));
  return (
    <div class="charts">
      <Chart title="Runs by how they ended" times={at} strands={ends} kind="count" />
      <Chart title="Wait until the start" times={at} strands={times('wait', points)} kind="ms" />
      <Chart title="Run time" times={at} strands={times('run', points)} kind="ms" />
    </div>
  );
}
