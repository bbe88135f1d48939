/** What can wait for a person. Codes are stable: match on them, never on texts. */
export type TroubleCode =
  | 'BLOCKED_GROUPS'
  | 'CONNECTIONS'
  | 'DEAD_LETTERS'
  | 'EXPIRY_LATE'
  | 'FAILED_WORKFLOWS'
  | 'HORIZON'
  | 'HUNG_RUNS'
  | 'LIMITS'
  | 'LISTEN'
  | 'LOST_JOBS'
  | 'NO_HANDLER'
  | 'NO_WORKER'
  | 'PARTITIONS'
  | 'PAUSED_QUEUES'
  | 'POISONED_JOBS'
  | 'SCHEDULES'
  | 'SPOOL'
  | 'STAGED_JOBS'
  | 'STUCK_WORKFLOWS'
  | 'SUSPECTS'
  | 'UNREADABLE_JOBS'
  | 'WORKER_FAILING'
  | 'WORKER_SILENT'
  | 'WORKFLOWS';

/** No kind of trouble is counted beyond this. */
export const MOST_COUNTED = 1_000;

/** `notice`: worth knowing, and somebody may want it so. `warning`: it waits for a person. `critical`: jobs are at stake. */
export type TroubleLevel = 'notice' | 'warning' | 'critical';

/** Something that does not put itself right, or takes its time. Never a payload, never the text of a statement. */
export interface Trouble {
  code: TroubleCode;
  level: TroubleLevel;
  /** Whose it is; missing where it is nobody's alone. */
  queue?: string;
  /** Of jobs that nobody has a handler for: their name. */
  name?: string;
  /** The labels that a worker must have for them; missing where there are none. */
  labels?: string[];
  /** How many jobs, groups, sessions or partitions. */
  count: number;
  /** Counting stopped there. */
  atLeast: boolean;
  /** How long it has lasted, as far as that is known. */
  sinceMs?: number;
  /** Some of the jobs, or workflows, that it is about; missing where it names none. */
  ids?: string[];
  /** What is wrong, with names and figures. */
  text: string;
  /** The command that shows more of it. */
  look: string;
  /** What comes before the command, or what does instead. */
  hint: string;
  /** The command that puts it right; empty where none can. */
  fix: string;
}

/** Waits for a person: not a mere notice. */
export const needsSomebody = ({ level }: Pick<Trouble, 'level'>): boolean => level !== 'notice';
