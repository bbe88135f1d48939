import type { Failure } from '../../job/failure.js';
import type { AttemptRecord } from '../../job/job.js';
import type { OnDeadJob, TerminalState } from '../../job/job-state.js';

/** A run that may be settled: the job and the epoch it was claimed at. */
export interface RunKey {
  id: string;
  epoch: number;
}

/** A success on its way to the database. `keepMs` undefined: deleted at once. */
export interface Success extends RunKey {
  runMs: number;
  keepMs: number | undefined;
  output: string | undefined;
  /** JSON of what a step adds to its workflow. */
  added?: string;
}

/** What is kept of a failed attempt, or of an end. */
interface Told {
  error?: Failure;
  entry?: Omit<AttemptRecord, 'at'>;
}

/** What `put-back` is given of one job. */
export interface Return extends RunKey {
  change: { at?: string; delayMs?: number; spent: 0 | 1; rescheduled: 0 | 1; ran: boolean } & Told;
}

/** What `bury` is given of one job. */
export interface Burial extends RunKey {
  verdict: {
    state: TerminalState;
    spent: 0 | 1;
    runMs: number;
    deadLetterKeepMs: number;
    /** undefined: a cancelled job is deleted at once. */
    archiveKeepMs?: number;
    /** Of one that failed for good: which fault it probably was. */
    errorKey?: string;
    /** Of an ordered job that failed for good. */
    onDeadJob?: OnDeadJob;
  } & Told;
}

export const idOf = (key: { id: string }): string => key.id;
export const epochOf = (key: { epoch: number }): number => key.epoch;

/** A success as part of one JSON object by id. Its output is JSON already; what is not kept is reported to others all the same. */
export const keptText = ({ id, runMs, keepMs, output }: Success): string =>
  `"${id}":{"runMs":${runMs}${keepMs === undefined ? '' : `,"keepMs":${keepMs}`}${output === undefined ? '' : `,"output":${output}`}}`;
