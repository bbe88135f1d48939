import { promiseRows } from './promises.js';
import { crowdRows } from './crowd.js';
import { drainRows } from './drain.js';
import { enqueueRows } from './enqueue.js';
import { flowRows } from './flows.js';
import { kindRows } from './kinds.js';
import { latencyRows } from './latency.js';
import { stillRows } from './still.js';

/** In order of value: what is measured first is there when a run is stopped early. */
export const ROWS = [
  ...drainRows,
  ...enqueueRows,
  ...latencyRows,
  ...flowRows,
  ...kindRows,
  ...promiseRows,
  ...stillRows,
  ...crowdRows,
];

/** Not in the library yet. */
export const LATER = [];
