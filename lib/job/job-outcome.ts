import type { Failure } from './failure.js';
import type { TerminalState } from './job-state.js';

/** The payload of a job that says how another one has ended; see `outcomes` of a queue. */
export interface JobOutcome<Output = unknown> {
  id: string;
  queue: string;
  name: string;
  state: TerminalState;
  /** Of a success that returned something. */
  output?: Output;
  /** Of what did not succeed. */
  error?: Failure;
}
