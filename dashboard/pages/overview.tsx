import type { PageProps } from '../pages.js';
import { RunSeries } from '../parts/run-series.js';
import type { OverviewAnswer } from '../parts/answers.js';
import { to } from '../parts/address.js';
import { useLook } from '../parts/live.js';
import { QueueTable } from '../parts/queue-table.js';
import { Shown } from '../parts/small.js';
import { Troubles } from '../parts/troubles.js';

/** What is wrong first; then how much there is of everything. */
export function Overview({ said }: PageProps) {
  const looked = useLook<OverviewAnswer>('overview');
  return (
    <>
      <h1>Overview</h1>
      <Shown looked={looked}>
        {({ troubles, queues }) => (
          <>
            <h2>What waits for a person</h2>
            <Troubles troubles={troubles} />
            <RunSeries hours={said.hours} place={(hours) => to('overview', { hours })} />
            <h2>Queues</h2>
            <QueueTable queues={queues} most={20} />
          </>
        )}
      </Shown>
    </>
  );
}
