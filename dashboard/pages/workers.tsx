import type { TroubleTold, Worker } from '../parts/answers.js';
import { useLook } from '../parts/live.js';
import { Shown } from '../parts/small.js';
import { Troubles } from '../parts/troubles.js';
import { WorkerTable } from '../parts/worker-table.js';

/** Every process that works, the oldest first. */
export function Workers() {
  const looked = useLook<{ workers: Worker[]; troubles?: TroubleTold[] }>('workers');
  return (
    <>
      <h1>Workers</h1>
      <Shown looked={looked}>
        {({ workers, troubles = [] }) => (
          <>
            {troubles.length > 0 && <Troubles troubles={troubles} />}
            <WorkerTable workers={workers} />
          </>
        )}
      </Shown>
    </>
  );
}
