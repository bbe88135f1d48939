import { QueueError } from '../job/queue.errors.js';
import type { Cause } from '../job/failure.js';
import type { FoundJob } from '../job/job.js';
import type { WorkflowSummary } from '../job/workflow.js';
import type { JobFilter } from '../admin/job-filter.js';
import type { ListedJob } from '../admin/listed-job.js';
import type { Source } from './source.js';

/** What a look may hide of what it shows. */
export interface Hiding {
  job(job: FoundJob): FoundJob;
  listed(job: ListedJob): ListedJob;
  /** An error by itself, of this job; undefined: hidden. */
  error(error: Cause, of: Pick<FoundJob, 'id' | 'queue' | 'name'>): Cause | undefined;
  /** A text that may quote what this job holds. */
  text(text: string, job: FoundJob): string;
  /** The name of a group that a job of this id blocks; undefined: hidden. */
  group(group: string, of: Pick<FoundJob, 'id' | 'queue'>): string | undefined;
  /** A workflow without a unique key that is hidden: it stands for jobs of no queue. */
  workflow<Flow extends WorkflowSummary>(flow: Flow): Flow;
  /**
   * `lanes`: of queue and name, or of all. @throws QueueError `INVALID_OPTION` where guesses of what is hidden in one of them would be confirmed.
   */
  search(filter: JobFilter, lanes: Source['lanes']): Promise<void>;
  /** Where a list goes on, as it leaves and as it comes back. */
  next(cursor: string): string;
  after(cursor: string): string;
  /** What an act of an operator was done to. */
  selector<Selector>(selector: Selector): Selector;
}

/** What was asked of a look. */
export interface Question {
  source: Source;
  /** The query of its address. */
  asked: URLSearchParams;
  hide: Hiding;
  /** An answer that may be older than the look: it costs more than the rest of it. */
  recently: <Answer>(what: string, ask: () => Promise<Answer>, freshMs: number) => Promise<Answer>;
}

/** A question that the page has; its answer becomes JSON, and is shared for moments by all who ask the same. */
export type Look = (question: Question) => Promise<unknown>;

/** A part of the question that must be there. */
export function wanted(asked: URLSearchParams, name: string): string {
  const value = asked.get(name);
  if (value) return value;
  throw new QueueError('INVALID_OPTION', `"${name}" is missing in the address.`);
}
