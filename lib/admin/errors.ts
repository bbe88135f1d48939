import { errorKeyOf } from '../job/values/error-key.js';
import type { Cause } from '../job/failure.js';
import type { JobState } from '../job/job-state.js';
import { checkQueueName } from '../job/names.js';
import { passes, shape, type Rule } from '../runtime/rules.js';
import type { ErrorRow, FailingRow } from '../storage/reading/error.repository.js';
import type { Storage } from '../storage/storage.js';
import { moment, refuse } from './checks.js';
import type { JobCount } from './overview.js';

/** Failures that are probably one fault: of one class, from one place of one's own code, with one message but for numbers and ids. */
export interface ErrorGroup {
  /** For a filter: `{ errorKey }` lists, redrives and purges its dead letters. What is `failing` is none yet: `{ error, state: ['scheduled', 'ready'] }` lists it. */
  key: string;
  deadLetters: JobCount;
  /** Of its dead letters, the first and the last that are kept. */
  firstAt?: Date;
  lastAt?: Date;
  /** Of 500 jobs at most that failed and wait for their next attempt, or for a worker that makes it; a sample of more than 1,000. */
  failing: number;
  /** The newest dead letter, or a job that failed. */
  example: { id: string; queue: string; name: string; state: JobState; error: Cause };
}

/** Which errors. */
export interface ErrorOptions {
  queue?: string;
  /** Dead letters that ended after this moment. */
  since?: Date;
}

const MOST_JOBS = 10_000;
const MOST_KEYS = 500;
const MOST_FAILING = 500;

const RULES = shape({ queue: passes(checkQueueName), since: moment } satisfies Record<
  keyof ErrorOptions,
  Rule
>);

/** Groups what failed by its error key. */
export class Errors {
  constructor(private readonly storage: Storage) {}

  async list(
    options: ErrorOptions,
    unknown: (queue: string) => Promise<Error>,
  ): Promise<ErrorGroup[]> {
    refuse('errors', RULES(options, 'options'));
    const { queue, since } = options;
    const { lanes, errors } = this.storage;
    const own = queue === undefined ? undefined : await lanes.numbersOf({ queue });
    if (own?.length === 0) throw await unknown(queue!);
    const rows = await errors.list({ lanes: own, since, mostJobs: MOST_JOBS, mostKeys: MOST_KEYS });
    const groups = new Map(rows.map((row) => [row.key, groupOf(row)]));
    for (const row of await errors.failing(own, MOST_FAILING)) addTo(groups, row);
    return [...groups.values()].sort((a, b) => rankOf(b) - rankOf(a));
  }
}

function groupOf({ key, jobs, firstAt, lastAt, ...example }: ErrorRow): ErrorGroup {
  const deadLetters = { jobs: Math.min(jobs, MOST_JOBS), atLeast: jobs > MOST_JOBS };
  return { key, deadLetters, firstAt, lastAt, failing: 0, example };
}

function addTo(groups: Map<string, ErrorGroup>, { error, ...job }: FailingRow): void {
  const key = errorKeyOf(error);
  const group = groups.get(key) ?? {
    key,
    deadLetters: { jobs: 0, atLeast: false },
    failing: 0,
    example: { ...job, error: briefOf(error) },
  };
  group.failing++;
  groups.set(key, group);
}

/** What fails now comes first, then what failed last. */
const rankOf = ({ failing, lastAt }: ErrorGroup): number =>
  (failing > 0 ? Number.MAX_SAFE_INTEGER / 2 + failing : 0) + (lastAt?.getTime() ?? 0) / 1e15;

const briefOf = ({ name, message, code }: Cause): Cause => ({
  name,
  message,
  ...(code === undefined ? {} : { code }),
});
