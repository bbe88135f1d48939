import type { StoredOptions } from '../../job/new-job.js';
import type { Failure } from '../../job/failure.js';
import type { AttemptRecord, FoundJob } from '../../job/job.js';
import type { JobState } from '../../job/job-state.js';
import { jobProgress, type StoredProgress } from '../../job/progress.js';
import { jobSchedule } from '../../job/schedule.js';

/** A row of a claim: PostgreSQL's own text, parsed where it is read. */
export interface ClaimedRow {
  id: string;
  lane: number;
  epoch: number;
  priority: number;
  /** Kept as text: microseconds matter to the cursor, and a Date has none. */
  runAt: string;
  /** Runs that counted before this one. */
  spent: number;
  stalls: number;
  reschedules: number;
  suspicion: number;
  createdAt: string;
  cancelled: boolean;
  uniqueKey: string | null;
  fingerprint: string | null;
  options: string | null;
  payload: string | null;
  payloadBytes: string | null;
  lastError: string | null;
  /** Bytes, as they lie, that the claim left behind; 0: none. */
  weight: number;
  /** Of a stray, whose place was not its job's: the job's own lane. */
  ownLane?: number | undefined;
  /** Of a follower in an ordered group: the job behind which it came. */
  after?: string | undefined;
  /** Where it is blocked, if it was read ahead. */
  place?: string | undefined;
  /** The next one of its group, read ahead. */
  next?: ClaimedRow | undefined;
  /** Of a follower: since when this process runs jobs of the group one after another, how many those were, and how long they ran. */
  follows?: { since: number; jobs: number; ranMs: number };
  /** What was read ahead has its turn, behind this job, at this time. */
  turned?(after: string, at: string): void;
  /** What was left behind is here. */
  fill?(parts: HeavyParts): void;
}

/** Of `fetch-heavy.sql.ts`. */
export type HeavyParts = (string | null)[];

const BLANK = 32;
const RUN_AT = 4;
const CREATED_AT = 9;
export const PAYLOAD = 14;
const OWN_LANE = 17;
const AFTER = 18;
const PLACE = 19;

/** The columns of `claimed-columns.sql.ts`; numbers that are 0 and a creation at the run time come as null. */
export function claimedRow(c: (string | null)[]): ClaimedRow {
  return new RawRow(c);
}

/** Reads from PostgreSQL's own text: nothing is converted that nobody asks for. */
class RawRow implements ClaimedRow {
  readonly lane: number;
  declare next?: ClaimedRow;
  declare follows?: NonNullable<ClaimedRow['follows']>;

  constructor(private readonly cells: (string | null)[]) {
    this.lane = Number(cells[1]);
  }

  get id(): string {
    return this.cells[0]!;
  }

  get epoch(): number {
    return Number(this.cells[2]);
  }

  get priority(): number {
    return Number(this.cells[3]);
  }

  get runAt(): string {
    return this.cells[4]!;
  }

  get spent(): number {
    return Number(this.cells[5]);
  }

  get stalls(): number {
    return Number(this.cells[6]);
  }

  get reschedules(): number {
    return Number(this.cells[7]);
  }

  get suspicion(): number {
    return Number(this.cells[8]);
  }

  get createdAt(): string {
    return this.cells[9] ?? this.runAt;
  }

  get cancelled(): boolean {
    return this.cells[10] !== null;
  }

  get uniqueKey(): string | null {
    return this.cells[11]!;
  }

  get fingerprint(): string | null {
    return this.cells[12]!;
  }

  get options(): string | null {
    return this.cells[13]!;
  }

  get payload(): string | null {
    return this.cells[14]!;
  }

  get payloadBytes(): string | null {
    return this.cells[15]!;
  }

  get lastError(): string | null {
    return this.cells[16]!;
  }

  /** A payload of ours never begins with a blank; one of SQL that does is fetched as if it were heavy. */
  get weight(): number {
    const payload = this.cells[14];
    return payload?.charCodeAt(0) === BLANK ? Number(payload) || 1 : 0;
  }

  get ownLane(): number | undefined {
    const own = this.cells[OWN_LANE];
    return own === null || own === undefined ? undefined : Number(own);
  }

  get after(): string | undefined {
    return this.cells[AFTER] ?? undefined;
  }

  get place(): string | undefined {
    return this.cells[PLACE] ?? undefined;
  }

  turned(after: string, at: string): void {
    this.cells[CREATED_AT] ??= this.runAt;
    this.cells[RUN_AT] = at;
    this.cells[AFTER] = after;
  }

  fill([, cancelAt, options, payload, payloadBytes, lastError]: HeavyParts): void {
    this.cells[10] = cancelAt!;
    this.cells.splice(13, 4, options!, payload!, payloadBytes!, lastError!);
  }
}

/** bytea in PostgreSQL's hex form; in a caller's transaction perhaps in its old form, where a byte may be `\\` or `\\ooo`. */
export function bytesOf(text: string): Buffer {
  if (text.startsWith('\\x')) return Buffer.from(text.slice(2), 'hex');
  const byte = (_: string, code: string): string =>
    code === '\\' ? code : String.fromCharCode(parseInt(code, 8));
  return Buffer.from(text.replace(/\\(\\|[0-7]{3})/g, byte), 'latin1');
}

/** timestamptz in PostgreSQL's ISO form, e.g. `2026-11-21 03:16:10.123456+00`. */
export function dateOf(text: string): Date {
  const iso = text.replace(' ', 'T');
  return new Date(/[+-]\d\d$/.test(iso) ? `${iso}:00` : iso);
}

export interface FoundRow {
  id: string;
  queue: string;
  name: string;
  state: JobState;
  priority: number;
  attempt: number;
  stalls: number;
  reschedules: number;
  created_at: Date;
  run_at: Date;
  cancel_at: Date | null;
  finished_at: Date | null;
  run_ms: number | null;
  worker: string | null;
  unique_key: string | null;
  fingerprint: string | null;
  options: StoredOptions | null;
  payload: unknown;
  payload_bytes: Buffer | null;
  output: unknown;
  last_error: Failure | null;
  history: AttemptRecord[] | null;
  labels: string[];
  group_name: string | null;
  commit_by: Date | null;
  progress: StoredProgress | null;
}

/** A row whose times are text. */
export type Dateless<Row> = {
  [Name in keyof Row]: Date extends Row[Name] ? string | Exclude<Row[Name], Date> : Row[Name];
};

const TIMES = ['created_at', 'run_at', 'cancel_at', 'finished_at', 'commit_by'] as const;

export function dated(row: Dateless<FoundRow>): FoundRow {
  const times = TIMES.map((name) => [name, row[name] === null ? null : dateOf(row[name])]);
  return { ...row, ...(Object.fromEntries(times) as Pick<FoundRow, (typeof TIMES)[number]>) };
}

export function foundJob(row: FoundRow): FoundJob {
  return {
    id: row.id,
    queue: row.queue,
    name: row.name,
    state: row.state,
    payload: row.payload,
    priority: row.priority,
    attempt: row.attempt,
    stalls: row.stalls,
    reschedules: row.reschedules,
    createdAt: row.created_at,
    runAt: row.run_at,
    headers: row.options?.headers ?? {},
    labels: row.labels,
    history: row.history ?? [],
    ...given({
      ...optionsOf(row),
      payloadBytes: row.payload_bytes,
      uniqueKey: row.unique_key,
      fingerprint: row.fingerprint,
      group: row.group_name,
      commitBy: row.commit_by,
      lastError: row.last_error,
      progress: row.progress && jobProgress(row.progress),
      cancelRequestedAt: row.cancel_at,
      ...endOf(row),
    }),
  };
}

const optionsOf = ({ options, created_at }: FoundRow) => ({
  schedule: options?.schedule && jobSchedule(options.schedule, created_at),
  maxAttempts: options?.maxAttempts,
  workflowId: options?.workflowId,
  limitKey: options?.limitKey,
  checkpoint: options?.checkpoint,
  extraAttempts: options?.extraAttempts,
});

const endOf = (row: FoundRow) => ({
  output: row.output,
  worker: row.worker,
  runMs: row.run_ms,
  finishedAt: row.finished_at,
});

type Given<T> = { [K in keyof T]?: NonNullable<T[K]> };

/** Leaves out what the database has no value for: absent rather than null. */
function given<T extends object>(values: T): Given<T> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== null && value !== undefined),
  ) as Given<T>;
}
