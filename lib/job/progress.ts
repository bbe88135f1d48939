import { cleanText } from './failure.js';
import { quote } from './names.js';
import { QueueError } from './queue.errors.js';

/** How far a run has come: a share from 0 to 1, or what is done, `of` how much (where that is known), and a note for people. */
export type Progress = number | { done: number; of?: number; note?: string };

/** What a run said last of how far it had come. It stays with the job until a run says something else. */
export interface JobProgress {
  done: number;
  /** Absent where nobody knows how much there is. */
  of?: number;
  /** From 0 to 1; absent without `of`. */
  share?: number;
  note?: string;
  /** The attempt that said it; while another one runs, that has not said anything yet. */
  attempt: number;
  /** When it was stored, by the database's clock. */
  at: Date;
}

/** As it is stored. */
export type StoredProgress = Omit<JobProgress, 'share' | 'at'> & { at: string };

/** Between two that are stored of a job. */
export const EACH_MS = 1_000;
const MAX_NOTE = 200;
/** What a run says, as it is stored: without what the database adds. */
export type SaidProgress = Pick<JobProgress, 'done' | 'of' | 'note'>;

const KEYS = ['done', 'of', 'note'];

/** What of a progress is stored: a longer note is cut. @throws QueueError `INVALID_OPTION` */
export function checkedProgress(progress: Progress): SaidProgress {
  const given = typeof progress === 'object' && progress !== null ? progress : { done: progress, of: 1 }; // prettier-ignore
  const { done, of, note } = given as Partial<SaidProgress> & { done: number };
  const problem = problemOf(given);
  if (problem) throw invalid(problem, progress);
  return {
    done,
    ...(of !== undefined && { of }),
    ...(note !== undefined && { note: noteOf(note) }),
  };
}

function problemOf(given: object): string | undefined {
  const { done, of = done, note = '' } = given as Record<string, unknown>;
  const unknown = Object.keys(given).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) return `there is no ${quote(unknown)}`;
  if (!isCount(done) || !isCount(of)) return 'its numbers must be finite and not negative';
  if (done > of) return 'it is more than all there is';
  return typeof note === 'string' ? undefined : 'the note must be a text';
}

/** As callers see it. */
export function jobProgress({ done, of, note, attempt, at }: StoredProgress): JobProgress {
  // A row of somebody's own SQL may say more than all.
  const share = of === undefined ? undefined : Math.min(1, Math.max(0, of === 0 ? 1 : done / of));
  return {
    done,
    ...(of !== undefined && { of, share }),
    ...(note !== undefined && { note }),
    attempt,
    at: new Date(at),
  };
}

/** For people: `40 % (400 of 1000): page 12`. */
export function shownProgress({ done, of, share, note }: JobProgress): string {
  const counts = of === undefined ? `${done}` : of === 1 ? '' : ` (${done} of ${of})`;
  const percent = share === undefined ? '' : `${Math.floor(share * 100 + 1e-9)} %`;
  return `${percent}${counts}${note ? `: ${note}` : ''}`;
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER;

function noteOf(note: string): string {
  return note.length > MAX_NOTE ? `${cleanText(note, MAX_NOTE - 3)}...` : cleanText(note, MAX_NOTE);
}

function invalid(problem: string, given: unknown): QueueError {
  const shown = typeof given === 'number' ? String(given) : quote(given);
  const message = `progress: ${problem} (given: ${shown}). Give a share from 0 to 1, or { done, of, note } with done from 0 to of.`;
  return new QueueError('INVALID_OPTION', message);
}
