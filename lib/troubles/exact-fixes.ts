import type { Trouble } from '../job/trouble.js';
import { HOUR_MS } from '../job/values/duration.js';
import type { TroubleRow } from '../storage/diagnosis/trouble.repository.js';

const FAILED = ['failed', 'critical', 'unprocessable'];
export const DEAD_STATES = [...FAILED, 'expired'];

/** What is said of a row; commands without their program and its shared flags. */
export interface Told extends Pick<Trouble, 'level' | 'text' | 'ids'> {
  look: readonly string[];
  hint?: string;
  /** Never touches more than what is counted. undefined: no command can. */
  fix?: readonly string[];
}

export interface TroubleKind {
  /** Ends "... could not be examined". */
  subject: string;
  /** Where there is none. */
  well: string;
  tell: (row: TroubleRow) => Told;
}

export const idsOf = ({ subject }: TroubleRow): string[] => (subject ? subject.split(' ') : []);

/** One command for all of them; where it would find others, too, the first few by their ids. */
export const exactly = (
  row: TroubleRow,
  verb: [many: string, one: string],
  filter: string[],
): string[] => (row.extra > 0 ? [verb[1], ...idsOf(row)] : [verb[0], ...filter, '--yes']);

/** Of those that have expired since they depend on others: cancelled or unknown ones as well, and what a circle was opened for. */
const AWAITED = 'jobs that have not succeeded, or that waited for them in their ordered group';

/** What failed itself comes first. What nobody committed is run by no command that names no job. */
export function againOf(
  row: TroubleRow,
  ofStates: (...states: string[]) => string[],
): Pick<Told, 'hint' | 'fix'> {
  const { count, extra: dependents } = row;
  const [failed, uncommitted] = idsOf(row).map(Number) as [number, number];
  const left = leftOf(uncommitted, dependents);
  const redrive = (...states: string[]) => ['redrive', ...ofStates(...states), '--yes'];
  if (failed > 0)
    return {
      hint: `${left}Fix what made ${left ? 'the others' : 'them'} fail, and run them again:`,
      fix: redrive(...FAILED),
    };
  if (uncommitted > 0 || (dependents > 0 && dependents < count)) return { hint: left.trim() };
  const after = `They depend on ${AWAITED}. When those have succeeded, run them again:`;
  const again = dependents > 0 ? after : 'Fix what made them fail, and run them again:';
  return { hint: again, fix: redrive('expired') };
}

function leftOf(uncommitted: number, dependents: number): string {
  const open = `${uncommitted} of these nobody committed in time. `;
  const later = `Of these, ${dependents} depend on ${AWAITED}, and must be run again when those have succeeded. `;
  return `${uncommitted > 0 ? open : ''}${dependents > 0 ? later : ''}`;
}

/** Jobs of other lanes are not ended with those of a lane that nobody serves, nor what a worker comes to by and by, or after a deploy. */
export function endOfLane({
  queue,
  name,
  labels,
  subject,
  extra,
  sinceMs,
}: TroubleRow): Pick<Told, 'hint' | 'fix'> {
  const hint = 'Deploy a worker with a handler for it (and with its labels)';
  if (extra > 0 || subject === null || !(Number(sinceMs) >= HOUR_MS)) return { hint: `${hint}.` };
  const lane = ['--queue', queue ?? '', '--name', name ?? ''];
  const label = labels?.length ? ['--label', labels[0]!] : [];
  return {
    hint: `${hint}, or end the jobs:`,
    fix: ['cancel', ...lane, ...label, '--state', 'ready,blocked', '--yes'],
  };
}

/** Of one role's no command ends the idle ones alone. */
export const roomFor = (limited: string): Pick<Told, 'hint' | 'fix'> =>
  limited.startsWith('role ')
    ? { hint: 'Raise the limit of the role, or make pools smaller.' }
    : {
        hint: 'Raise the limit or make pools smaller; to end sessions that have done nothing for ten minutes, and roll their transactions back:',
        fix: ['sessions', '--end-idle', '10min', '--yes'],
      };

/** No command knows what damaged bytes were, nor the database of another folder. */
export const storeAgain = (jobs: number, folder: string): Pick<Told, 'hint' | 'fix'> =>
  jobs > 0
    ? {
        hint: 'Put right what refused them, and store them then:',
        fix: ['spool', 'replay', folder, '--aside', '--yes'],
      }
    : {
        hint: 'Move damaged files out of "aside"; start a process that another folder belongs to.',
      };
