import { local, number, span } from './words.js';

/** One line, or one part of the bars: a name, and a value per step; undefined: nothing is known of it. */
export interface Strand {
  name: string;
  values: (number | undefined)[];
}

interface ChartProps {
  title: string;
  times: string[];
  strands: Strand[];
  /** Of values: a number, or a time in milliseconds. */
  kind: 'count' | 'ms';
}

const HEIGHT = 100;

const words = (kind: ChartProps['kind'], value: number): string =>
  kind === 'ms' ? span(value) : number(value);

/** Bars of parts that add up, or lines of times; beside it the same as a table, for whoever sees no chart. */
export function Chart({ title, times, strands, kind }: ChartProps) {
  const totals = times.map((_, step) =>
    kind === 'ms'
      ? Math.max(0, ...strands.map(({ values }) => values[step] ?? 0))
      : strands.reduce((sum, { values }) => sum + (values[step] ?? 0), 0),
  );
  const most = Math.max(1, ...totals);
  return (
    <figure>
      <figcaption>
        {title} <span class="quiet">at most {words(kind, Math.max(0, ...totals))}</span>
        <span class="legend">
          {strands.map(({ name }, index) => (
            <span key={name}>
              <span class={`swatch c${index}`} aria-hidden="true" /> {name}
            </span>
          ))}
        </span>
      </figcaption>
      <svg
        class="chart"
        viewBox={`0 0 ${times.length} ${HEIGHT}`}
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        {kind === 'ms' ? (
          <Lines strands={strands} most={most} />
        ) : (
          <Bars times={times} strands={strands} most={most} />
        )}
      </svg>
      <div class="axis" aria-hidden="true">
        <span>{times[0] && local(times[0])}</span>
        <span>{times.length > 0 && local(times.at(-1)!)}</span>
      </div>
      <details>
        <summary>{title} as a table</summary>
        <ValueTable title={title} times={times} strands={strands} kind={kind} />
      </details>
    </figure>
  );
}

function Bars({ times, strands, most }: { times: string[]; strands: Strand[]; most: number }) {
  return (
    <>
      {times.map((time, step) => {
        let top = HEIGHT;
        return strands.map(({ name, values }, index) => {
          const height = ((values[step] ?? 0) / most) * HEIGHT;
          top -= height;
          return height > 0 ? (
            <rect
              key={time + name}
              class={`c${index}`}
              x={step + 0.1}
              y={top}
              width={0.8}
              height={height}
            >
              <title>{`${local(time)}: ${number(values[step] ?? 0)} ${name}`}</title>
            </rect>
          ) : null;
        });
      })}
    </>
  );
}

/** A line is interrupted where nothing is known. */
function Lines({ strands, most }: { strands: Strand[]; most: number }) {
  return (
    <>
      {strands.map(({ name, values }, index) =>
        piecesOf(values).map(([from, piece]) => (
          <polyline
            key={`${name} ${from}`}
            class={`c${index}`}
            points={(piece.length === 1 ? [piece[0]!, piece[0]!] : piece)
              .map(
                (value, step) => `${from + step + 0.5},${HEIGHT - (value / most) * (HEIGHT - 2)}`,
              )
              .join(' ')}
          />
        )),
      )}
    </>
  );
}

function piecesOf(values: (number | undefined)[]): [from: number, piece: number[]][] {
  const pieces: [number, number[]][] = [];
  values.forEach((value, step) => {
    if (value === undefined) return;
    const last = pieces.at(-1);
    if (last && last[0] + last[1].length === step) last[1].push(value);
    else pieces.push([step, [value]]);
  });
  return pieces;
}

function ValueTable({ title, times, strands, kind }: ChartProps) {
  return (
    <div class="scroll" role="region" aria-label={`${title}, values`} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">from</th>
            {strands.map(({ name }) => (
              <th key={name} scope="col" class="right">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {times.map((time, step) => (
            <tr key={time}>
              <th scope="row">{local(time)}</th>
              {strands.map(({ name, values }) => (
                <td key={name} class="right">
                  {values[step] === undefined ? '' : words(kind, values[step])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
