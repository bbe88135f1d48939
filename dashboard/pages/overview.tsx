import type { PageProps } from '../pages.js';
import { RunSeries } from '../parts/run-series.js';
import type { OverviewAnswer } from '../parts/answers.js';
import { to } from '../parts/address.js';
import { useLook } from '../parts/live.js';
import { QueueTable } from '../parts/queue-table.js';
import { Count, Fact, Shown } from '../parts/small.js';
import { span } from '../parts/words.js';
import { Troubles } from '../parts/troubles.js';

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
