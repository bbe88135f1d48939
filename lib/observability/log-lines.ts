import type { LogLevel } from '@nestjs/common';
import type { Cause, Failure } from '../job/failure.js';
import type { Again } from '../job/job-result.js';
import { shownProgress } from '../job/progress.js';
import type { JobEvent, QueueEventName, QueueEvents } from './events.js';
import type { OutageNews } from './outage.js';

/** Makes one harmless line of a text. */
export type Clean = (text: string, max?: number) => string;

export interface Line<Name extends QueueEventName> {
  /** false: written only where the application asks for it. */
  level: LogLevel | false;
  line: (event: QueueEvents[Name], clean: Clean) => string;
}

const MAX_WARNING = 2_000;

/**
 * one line per event. Never a payload, never an output. What goes as it should has no level: two lines a job would be the dearest part of a
 * small one.
 */
export const LINES: { readonly [Name in QueueEventName]: Line<Name> } = {
  enqueued: {
    level: false,
    line: (event) => `job ${event.id} (${placeOf(event)}) was enqueued: ${event.outcome}`,
  },
  started: {
    level: false,
    line: (event) => `${job(event)} started, ${ms(event.waitMs)} after it was due`,
  },
  progress: {
    level: false,
    line: ({ progress, ...event }, clean) =>
      `${job(event)} has come to ${clean(shownProgress(progress))}`,
  },
  succeeded: { level: false, line: (event) => `${job(event)} succeeded after ${ms(event.runMs)}` },
  rescheduled: {
    level: false,
    line: (event) => `${job(event)} rescheduled itself after ${ms(event.runMs)}`,
  },
  released: { level: false, line: (event) => `${job(event)} was given back: ${event.reason}` },
  polled: {
    level: false,
    line: ({ claimed, wanted, settled, ...event }) =>
      `claimed ${claimed} of ${wanted}, settled ${settled} in ${ms(event.ms)}`,
  },
  cancelled: {
    level: 'log',
    line: (event, clean) => `${job(event)} was cancelled: ${clean(event.reason)}`,
  },
  retried: {
    level: 'warn',
    line: (event, clean) =>
      `${job(event, event.maxAttempts)} failed after ${ms(event.runMs)} and will be retried ${time(event.again)}: ${failure(event.error, clean)}`,
  },
  failed: {
    level: 'error',
    line: (event, clean) =>
      `${job(event)} ended as ${event.state}${event.runMs > 0 ? ` after ${ms(event.runMs)}` : ''}: ${failure(event.error, clean)}`,
  },
  leaseLost: {
    level: 'warn',
    line: (event) => `${job(event)} was taken from this process; its late answer changed nothing`,
  },
  outputCut: {
    level: 'warn',
    line: (event, clean) =>
      `${job(event)} succeeded, but its output was not stored whole: ${clean(event.problem)}`,
  },
  outputInvalid: {
    level: 'warn',
    line: (event, clean) =>
      `${job(event)} succeeded, but its output does not fit its template: ${clean(event.problem)}`,
  },
  leaseLapsed: {
    level: 'warn',
    line: (event) =>
      `worker ${event.worker} lost its lease; ${event.jobs} running job(s) were asked to stop`,
  },
  reaped: {
    level: 'log',
    line: (event) =>
      `took back ${event.jobs} job(s) of ${event.leases} silent worker(s)${fates(event)}`,
  },
  expired: {
    level: 'warn',
    line: ({ jobs, because }) =>
      `${jobs} staged job(s) expired: ${because ? 'a job that they depend on has not succeeded' : 'nobody committed them in their time'}`,
  },
  workflowEnded: {
    level: false,
    line: (event) =>
      `workflow ${event.id} (${event.name}, attempt ${event.attempt}) ended as ${event.state}`,
  },
  workflowStuck: {
    level: 'warn',
    line: ({ error, ...event }, clean) =>
      `workflow ${event.id} (${event.name}, attempt ${event.attempt}) is stuck: job ${event.jobId}, which compensates the step "${event.step}", ended${error ? `: ${failure(error, clean)}` : ' as cancelled'}`,
  },
  ticked: {
    level: false,
    line: (event) =>
      `schedule ${event.schedule}, ${event.at.toISOString()}: ${event.outcome}${event.times ? ` (${event.times})` : ''}`,
  },
  spooling: {
    level: 'warn',
    line: (event) =>
      event.phase === 'began'
        ? 'the database is away: enqueues wait on the disk (spool)'
        : `the spool is empty again: ${event.jobs} job(s) stored, ${event.existing} of them known, ${event.aside} put aside`,
  },
  loopFailed: {
    level: 'error',
    line: (event, clean) =>
      `${event.loop} failed and continues in ${ms(event.restMs)}: ${failure(loopError(event.error), clean)}`,
  },
  warning: {
    level: 'warn',
    line: (event, clean) => `${event.code}: ${clean(event.message, MAX_WARNING)}`,
  },
  workerStarted: {
    level: 'log',
    line: (event) => `worker ${event.worker} works ${event.queues.join(', ') || 'no queue'}`,
  },
  workerStopped: {
    level: 'log',
    line: (event) => `worker ${event.worker} stopped, ${event.released} job(s) given back`,
  },
};

/** Of a database that is away, for all loops of the process. */
export function outageLine(news: OutageNews, clean: Clean): string {
  const seconds = `${(news.ms / 1_000).toFixed(news.ms < 10_000 ? 1 : 0)} s`;
  if (news.phase === 'over') return `the database is back after ${seconds}`;
  const cause = failure(loopError(news.error), clean);
  return news.phase === 'began'
    ? `the database is away: ${cause}. All loops of this process try again until it is back`
    : `the database has been away for ${seconds}: ${cause}`;
}

/** PostgreSQL quotes values in the messages of data and integrity errors (classes 22 and 23), as in `detail`: only the code is reported. */
export function loopError(error: unknown): Cause {
  if (!(error instanceof Error))
    return { name: 'Error', message: `something of type ${typeof error} was thrown` };
  const { code: given } = error as { code?: unknown };
  const code = typeof given === 'string' ? given : '';
  const message = /^2[23][0-9A-Z]{3}$/.test(code) ? 'the database refused a value' : error.message;
  return { name: error.name, message, code };
}

const placeOf = ({ queue, name }: { queue: string; name: string }): string =>
  `${queue}${name && `/${name}`}`;

function job(event: JobEvent, maxAttempts?: number): string {
  const of = maxAttempts === undefined ? '' : ` of ${maxAttempts}`;
  return `job ${event.id} (${placeOf(event)}, attempt ${event.attempt}${of})`;
}

function time(again: Again): string {
  if ('at' in again) return `at ${again.at.toISOString()}`;
  const { delayMs } = again;
  return `in ${delayMs < 1_000 ? ms(delayMs) : `${Number((delayMs / 1_000).toFixed(1))} s`}`;
}

function fates({ poisoned, cancelled }: QueueEvents['reaped']): string {
  return (poisoned ? `, ${poisoned} poisoned` : '') + (cancelled ? `, ${cancelled} cancelled` : '');
}

function failure({ causes = [], ...error }: Failure, clean: Clean): string {
  return clean([error, ...causes].map(brief).join(', caused by '));
}

const brief = ({ name, message, code }: Cause): string =>
  `${name}${code ? ` [${code}]` : ''}: ${message}`;

const ms = (value: number): string => `${Math.round(value)} ms`;
