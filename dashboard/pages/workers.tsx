import type { Worker } from '../parts/answers.js';
import { useLook } from '../parts/live.js';
import { Shown } from '../parts/small.js';
import { WorkerTable } from '../parts/worker-table.js';

/** Every process that works, the oldest first. */
export function Workers() {
  const looked = useLook<{ workers: Worker[] }>('workers');
  return (
    <>
      <h1>Workers</h1>
      <Shown looked={looked}>{({ workers }) => <WorkerTable workers={workers} />}</Shown>
    </>
  );
}
