import type { PageProps } from '../pages.js';
import { RunSeries } from '../parts/run-series.js';
import type { ErrorsAnswer, OverviewAnswer } from '../parts/answers.js';
import { to } from '../parts/address.js';
import { useLook } from '../parts/live.js';
import { QueueTable } from '../parts/queue-table.js';
import { Count, Fact, JobLink, QueueLink, Shown, Table, Text } from '../parts/small.js';
import { errorWords, number, span } from '../parts/words.js';
import { Troubles } from '../parts/troubles.js';

/** Of each list; the pages beside it have all. */
const MOST = 5;
/** What health says by default. */
const LONG_MS = 300_000;

/** What is wrong first; then how much there is of everything. */
export function Overview({ said }: PageProps) {
  const looked = useLook<OverviewAnswer>('overview');
  return (
    <>
      <h1>Overview</h1>
      <Shown looked={looked}>
        {({ troubles, totals, queues }) => (
          <>
            <h2>What waits for a person</h2>
            <Troubles troubles={troubles} />
            <FailsNow />
            <WaitsLong totals={totals} queues={queues} />
            <RunSeries hours={said.hours} place={(hours) => to('overview', { hours })} />
            <h2>Queues</h2>
            <TotalsLine totals={totals} />
            <QueueTable queues={queues} most={20} total={totals.queues} />
          </>
        )}
      </Shown>
    </>
  );
}

/** What failed and will be tried again: no trouble yet, and the first sign of one. */
function FailsNow() {
  const { answer } = useLook<ErrorsAnswer>('errors');
  const failing = (answer?.errors ?? []).filter((error) => error.failing > 0);
  if (failing.length === 0) return null;
  return (
    <>
      <h2>What fails now</h2>
      <Table
        label="What fails now"
        heads={[{ head: 'jobs', right: true }, 'error', 'such as', 'queue']}
      >
        {failing.slice(0, MOST).map((error) => (
          <tr key={error.key} data-row>
            <td class="right">{number(error.failing)}</td>
            <th scope="row" class="error">
              <Text>{errorWords(error)}</Text>
            </th>
            <td>
              <JobLink id={error.example.id} />
            </td>
            <td>
              <QueueLink queue={error.example.queue} />
            </td>
          </tr>
        ))}
      </Table>
      {failing.length > MOST && <a href={to('errors')}>All {failing.length} errors</a>}
    </>
  );
}

/** Queues whose jobs wait for so long that somebody may ask why; the page of the queue says it. */
function WaitsLong({ totals, queues }: Pick<OverviewAnswer, 'totals' | 'queues'>) {
  const { oldestQueue: queue, oldestReadyMs } = totals;
  const known = queues.filter((each) => !each.paused);
  const others =
    queue === undefined || queues.some((each) => each.queue === queue)
      ? []
      : [{ queue, oldestReadyMs }];
  const waiting = [...known, ...others]
    .map(({ queue, oldestReadyMs = 0 }) => ({ queue, ms: oldestReadyMs }))
    .filter(({ ms }) => ms > LONG_MS)
    .toSorted((a, b) => b.ms - a.ms);
  if (waiting.length === 0) return null;
  return (
    <>
      <h2>What waits for long</h2>
      <ul class="reasons">
        {waiting.slice(0, MOST).map(({ queue, ms }) => (
          <li key={queue}>
            <QueueLink queue={queue} />: its first job waits for {span(ms)}.
          </li>
        ))}
      </ul>
      {waiting.length > MOST && <a href={to('queues')}>All {waiting.length} such queues</a>}
    </>
  );
}

function TotalsLine({ totals }: { totals: OverviewAnswer['totals'] }) {
  const places = { ready: totals.ready, running: totals.running, scheduled: totals.scheduled };
  return (
    <dl class="facts">
      {Object.entries(places).map(([state, jobs]) => (
        <Fact key={state} name={state}>
          <Count of={jobs} href={to('jobs', { state })} />
        </Fact>
      ))}
      <Fact name="dead letters">
        <Count of={totals.deadLetters} href={to('jobs', { q: 'state:dead' })} bad />
      </Fact>
      <Fact name="oldest ready">
        {totals.oldestReadyMs !== undefined && span(totals.oldestReadyMs)}
      </Fact>
    </dl>
  );
}
