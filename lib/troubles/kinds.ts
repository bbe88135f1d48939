import {
  againOf,
  DEAD_STATES,
  endOfLane,
  exactly,
  idsOf,
  roomFor,
  storeAgain,
  type TroubleKind,
} from './exact-fixes.js';
import { holderText } from './holder-text.js';
import { WORKER_FAILING } from './failing-loops.js';
import { HUNG_RUNS } from './hung-runs.js';
import { many, jobs, wait, lasting, keeperText, queueOf, named, schedulesOf } from './row-words.js';
import type { TroubleCode } from '../job/trouble.js';
import { quote } from '../job/names.js';
import { counted, laneText, listed, operand, shown, span } from '../runtime/words.js';
import type { TroubleRow } from '../storage/diagnosis/trouble.repository.js';
import { HOUR_MS, MINUTE_MS } from '../job/values/duration.js';

const ofQueue = (row: TroubleRow, ...states: string[]): string[] => [
  '--queue',
  queueOf(row),
  '--state',
  states.join(','),
];

/** As long ago as is counted. */
const NEW = ['--finished-after', '1d'];

/**
 * Whatever can wait for a person, in the order in which it is read: what keeps most jobs from running comes first. `status`, `queues`, the doctor,
 * health, metrics and `explain` read this list. A new one is a line here, and its count in `list-troubles.sql.ts`.
 */
export const TROUBLES: Readonly<Record<TroubleCode, TroubleKind>> = {
  LOST_JOBS: {
    subject: 'jobs in no place',
    well: 'The oldest live jobs stand where they should.',
    tell: (row) => ({
      level: 'critical',
      text: `${jobs(row)} of ${named(row)} ${row.count === 1 ? 'stands' : 'stand'} in no place and will never run, since somebody has deleted rows: ${listed(idsOf(row), 5)}.`,
      ids: idsOf(row),
      look: ['jobs', ...ofQueue(row, 'lost')],
      fix: ['redrive', ...ofQueue(row, 'lost'), '--yes'],
    }),
  },
  NO_WORKER: {
    subject: 'the workers',
    well: 'A worker is alive, or no job waits for one.',
    tell: (row) => ({
      level: 'warning',
      text: `No worker is alive, and ${wait(row)}.`,
      look: ['workers'],
      hint: 'Start a process of the application that has a worker.',
    }),
  },
  NO_HANDLER: {
    subject: 'who serves the queues',
    well: 'Every queue with jobs is served.',
    tell: (row) => {
      const full = counted(row.extra, 'worker serves', 'workers serve');
      return {
        level: row.extra > 0 ? 'notice' : 'warning',
        text: `No live worker has a handler for ${laneText(row)}: ${wait(row)}${lasting(row)}.${row.extra > 0 ? ` ${full} more lanes than it asks for at once, and lanes take turns there.` : ''}`,
        look: ['queues', queueOf(row)],
        ...endOfLane(row),
      };
    },
  },
  HUNG_RUNS,
  WORKER_FAILING,
  WORKER_SILENT: {
    subject: 'silent workers',
    well: 'No silent worker holds a job.',
    tell: (row) => {
      const text = `Worker ${shown(row.subject || 'unknown')} is silent${row.sinceMs === null ? '' : `${lasting(row)} beyond its lease`}, and holds ${jobs(row)}.`;
      if (row.extra > 0)
        return {
          level: 'warning',
          text: `${text} ${keeperText(row)} It keeps what it did to them uncommitted, and so nobody can give them back.`,
          look: ['sessions'],
          hint: 'Where its client is frozen or gone, end it; then any live worker gives them back:',
          fix: ['sessions', '--end', String(row.extra), '--yes'],
        };
      return {
        level: row.extra === 0 && (row.sinceMs ?? 0) < MINUTE_MS ? 'notice' : 'warning',
        text,
        look: ['workers'],
        hint: 'Any live worker gives them back within its reaper interval; without one:',
        fix: ['maintain'],
      };
    },
  },
  PAUSED_QUEUES: {
    subject: 'paused queues',
    well: 'No paused queue holds jobs up.',
    tell: (row) => ({
      level: (row.sinceMs ?? 0) < HOUR_MS ? 'notice' : 'warning',
      text: `Queue "${queueOf(row)}" is paused${lasting(row)}: ${wait(row)}.`,
      look: ['queues', queueOf(row)],
      fix: ['resume', queueOf(row)],
    }),
  },
  BLOCKED_GROUPS: {
    subject: 'blocked groups',
    well: 'No ordered group is blocked by a dead job.',
    tell: (row) => ({
      level: 'warning',
      text: `Queue "${queueOf(row)}": ${many(row, 'ordered group is', 'ordered groups are')} blocked${row.extra ? ', and the queue is halted' : ''}${row.count === 1 ? '' : ', the longest'}${lasting(row)}, by job ${row.subject}, which failed.`,
      ids: idsOf(row),
      look: ['groups', queueOf(row)],
      hint: 'Retry the job that blocks, or let its group go on without it:',
      fix: ['release', queueOf(row), '--all', '--yes'],
    }),
  },
  STUCK_WORKFLOWS: {
    subject: 'workflows that are stuck',
    well: 'No workflow is stuck in its compensation.',
    tell: (row) => ({
      level: 'warning',
      text: `${many(row, 'workflow is', 'workflows are')} stuck, since a compensation failed: ${listed(idsOf(row), 5)}.`,
      ids: idsOf(row),
      look: ['workflow', idsOf(row)[0] ?? ''],
      hint: 'Fix what made it fail, and let it go on from there (to leave the rest as it is: workflows cancel --no-compensate):',
      fix: ['workflows', 'retry', ...idsOf(row)],
    }),
  },
  WORKFLOWS: {
    subject: 'the workflows',
    well: 'No workflow waits for a job that is gone.',
    tell: (row) => ({
      level: 'warning',
      text: `${many(row, 'workflow')} ${row.count === 1 ? 'waits' : 'wait'} for jobs that are gone, since somebody has deleted their rows: ${listed(idsOf(row), 5)}.`,
      ids: idsOf(row),
      look: ['workflow', idsOf(row)[0] ?? ''],
      hint: 'Any live worker ends these steps within its janitor interval; without one:',
      fix: ['maintain'],
    }),
  },
  SCHEDULES: {
    subject: 'the schedules',
    well: 'Schedules are on time.',
    tell: (row) => ({
      level: 'warning',
      text: `${many(row, 'schedule is', 'schedules are')} overdue${row.count === 1 ? '' : ', the longest'}${lasting(row)}: ${listed(schedulesOf(row).map(shown), 5)}.`,
      look: ['schedules', 'show', ...operand(schedulesOf(row)[0] ?? '')],
      hint: 'Start a worker (worker: false makes no ticks). If one runs, read its log (loopFailed, SCHEDULE_BROKEN), and look for a transaction that holds the row.',
    }),
  },
  LIMITS: {
    subject: 'limits across the fleet',
    well: 'No limit rests.',
    tell: ({ subject, extra }) => ({
      level: extra * 1_000 > HOUR_MS ? 'warning' : 'notice',
      text: `Limit ${quote(subject ?? '')} rests for another ${span(extra * 1_000)}, since a handler was told to slow down: nothing starts under it.`,
      look: ['limits'],
      hint: 'To end the rest, and nothing else:',
      fix: ['limits', 'reset', subject ?? '', '--rest'],
    }),
  },
  POISONED_JOBS: {
    subject: 'poisoned jobs',
    well: 'No job was poisoned within a day.',
    tell: (row) => ({
      level: 'warning',
      text: `${jobs(row)} of ${named(row)} ${row.count === 1 ? 'was' : 'were'} poisoned within a day, for killing a process again and again.`,
      ids: idsOf(row),
      look: ['jobs', ...ofQueue(row, 'poisoned'), ...NEW],
      hint: 'Fix the handler, and run them again:',
      fix: exactly(row, ['redrive', 'retry'], [...ofQueue(row, 'poisoned'), ...NEW]),
    }),
  },
  UNREADABLE_JOBS: {
    subject: 'rows that nobody can read',
    well: 'No row was set apart within a day.',
    tell: (row) => ({
      level: 'warning',
      text: `${jobs(row)} of ${named(row)} ${row.count === 1 ? 'was' : 'were'} set apart within a day, since PostgreSQL refused to store ${row.count === 1 ? 'its row' : 'their rows'}: ${listed(idsOf(row), 5)}.`,
      ids: idsOf(row),
      look: ['job', idsOf(row)[0] ?? ''],
      hint: 'See who writes rows beside the library; their payloads are kept, and run again:',
      fix: exactly(row, ['redrive', 'retry'], [...ofQueue(row, 'poisoned'), ...NEW]),
    }),
  },
  EXPIRY_LATE: {
    subject: 'the expiry of staged jobs',
    well: 'Staged jobs expire in time.',
    tell: (row) => ({
      level: 'warning',
      text: `${jobs(row)} of ${named(row)} should have expired${lasting(row).replace(/^ for (.*)$/, ' $1 ago')} without a commit, and nobody ends ${row.count === 1 ? 'it' : 'them'}.`,
      ids: idsOf(row),
      look: ['jobs', ...ofQueue(row, 'staged')],
      hint: 'Any live worker does it; without one:',
      fix: ['maintain'],
    }),
  },
  STAGED_JOBS: {
    subject: 'staged jobs',
    well: 'No staged job has waited for its commit for an hour.',
    tell: (row) => ({
      level: 'notice',
      text: `${jobs(row)} of ${named(row)} ${row.count === 1 ? 'waits' : 'wait'} for a commit${lasting(row)}.`,
      ids: idsOf(row),
      look: ['jobs', ...ofQueue(row, 'staged')],
      hint: 'Whoever staged them has to commit them; to give them up:',
      fix: exactly(
        row,
        ['cancel', 'cancel'],
        [...ofQueue(row, 'staged'), '--created-before', '1h'],
      ),
    }),
  },
  SUSPECTS: {
    subject: 'suspects',
    well: 'No job is suspected of killing its process.',
    tell: (row) => ({
      level: 'notice',
      text: `${jobs(row)} of ${named(row)} ${row.count === 1 ? 'is' : 'are'} suspected of killing a process, and ${row.count === 1 ? 'waits' : 'wait'} to run apart or alone.`,
      ids: idsOf(row),
      look: ['explain', idsOf(row)[0] ?? ''],
      hint: 'A worker runs them by itself. See in the log of the one that died what killed it; a job that does so for certain can be ended with `cancel`.',
    }),
  },
  DEAD_LETTERS: {
    subject: 'new dead letters',
    well: 'No other job, steps aside, ended in the dead letter queue within a day.',
    tell: (row) => ({
      level: 'notice',
      text: `${jobs(row)} of ${named(row)} ended in the dead letter queue within a day.`,
      look: ['jobs', ...ofQueue(row, ...DEAD_STATES), ...NEW],
      ...againOf(row, (...states) => [...ofQueue(row, ...states), ...NEW]),
    }),
  },
  FAILED_WORKFLOWS: {
    subject: 'workflows that failed',
    well: 'No dead letter of a day made a workflow fail.',
    tell: (row) => ({
      level: 'notice',
      text: `${many(row, 'workflow')} failed within a day in ${named(row)}: ${listed(idsOf(row), 5)}.`,
      ids: idsOf(row),
      look: ['workflows', '--state', 'failed'],
      hint: 'Fix what made their steps fail, and run them again, what has succeeded left out:',
      fix: ['workflows', 'retry', ...idsOf(row)],
    }),
  },
  CONNECTIONS: {
    subject: 'the room for connections',
    well: 'There is room for connections.',
    tell: ({ count, extra, subject }) => ({
      level: 'warning',
      text: `${count} of ${counted(extra, 'connection')} of ${shown(subject ?? '')} are taken: the next process may not get in.`,
      look: ['sessions'],
      ...roomFor(subject ?? ''),
    }),
  },
  HORIZON: {
    subject: 'long transactions',
    well: 'No long transaction holds vacuum back.',
    tell: (row) => ({
      level: 'warning',
      text: `${holderText(row.holder!)} Until it ends, vacuum removes nothing that died since, in any table of this database.`,
      look: ['sessions'],
      hint: 'Find out what it does, and end it; idle_in_transaction_session_timeout ends forgotten ones:',
      fix: ['sessions', '--end', row.subject ?? '', '--yes'],
    }),
  },
  PARTITIONS: {
    subject: 'the partitions',
    well: 'Partitions are there for what ends in the next days.',
    tell: (row) => ({
      level: 'warning',
      text: `Missing partitions: ${listed(idsOf(row))}. Ended jobs go to the default partition, from where they are deleted row by row.`,
      look: ['doctor', '--only', 'PARTITIONS,RIGHTS'],
      hint: 'A worker creates them every minute, as a role that owns the tables; by hand, as such a role:',
      fix: ['maintain'],
    }),
  },
  SPOOL: {
    subject: 'the spool',
    well: 'Nothing in a spool of this process waits for a person.',
    tell: ({ count, extra, subject }) => ({
      level: 'warning',
      text: `The spool "${shown(subject ?? '')}" holds ${counted(count, 'job')} that were refused, and ${counted(extra, 'thing')} that nobody can replay: damaged bytes, or folders of another database or release.`,
      look: ['spool', 'status', subject ?? ''],
      ...storeAgain(count, subject ?? ''),
    }),
  },
  LISTEN: {
    subject: 'LISTEN and NOTIFY',
    well: 'This process hears wake-ups.',
    tell: (row) => ({
      level: 'warning',
      text: `Nothing listens for wake-ups in this process${lasting(row)}: jobs of other processes wait for the next poll.`,
      look: ['doctor', '--only', 'LISTEN'],
      hint: 'A pooler does not pass LISTEN on, or listenUrl leads elsewhere: give a direct address, or set wakeUp to off.',
    }),
  },
};

export const TROUBLE_CODES = Object.keys(TROUBLES) as TroubleCode[];
