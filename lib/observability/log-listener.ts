import type { LoggerService } from '@nestjs/common';
import type { Failure } from '../job/failure.js';
import type { JobEvent, JobEventName, JobEvents, QueueEvents } from './events.js';

type Level = 'log' | 'warn' | 'error';
type Line<Name extends JobEventName> = [level: Level, line: (event: JobEvents[Name]) => string];

const MAX_TEXT = 300;

/** One line an event that an operator may care about. Never a payload, never an output. */
const LINES: { readonly [Name in JobEventName]?: Line<Name> } = {
  cancelled: ['log', (event) => `${job(event)} was cancelled: ${oneLine(event.reason)}`],
  retried: ['warn', (event) => `${job(event)} failed after ${ms(event.runMs)} and will be retried: ${failure(event.error)}`],
  failed: ['error', (event) => `${job(event)} ended as ${event.state} after ${ms(event.runMs)}: ${failure(event.error)}`],
  leaseLost: ['warn', (event) => `${job(event)} was taken from this process; its late answer changed nothing`],
  outputCut: ['warn', (event) => `${job(event)} succeeded, but its output was not stored whole: ${oneLine(event.problem)}`],
  outputInvalid: [
    'warn',
    (event) => `${job(event)} succeeded, but its output does not fit its template: ${oneLine(event.problem)}`,
  ],
  reaped: ['log', (event) => `took back ${event.jobs} job(s) of ${event.leases} silent worker(s)${fates(event)}`],
  expired: ['warn', (event) => `${event.jobs} staged job(s) expired: nobody committed them in their time`],
  loopFailed: ['error', (event) => `${event.loop} failed and goes on in ${ms(event.restMs)}: ${loopError(event.error)}`],
  warning: ['warn', (event) => `${event.code}: ${oneLine(event.message, 2_000)}`],
  workerStarted: ['log', (event) => `worker ${event.worker} works ${event.queues.join(', ') || 'no queue'}`],
  workerStopped: ['log', (event) => `worker ${event.worker} stopped, ${event.released} job(s) given back`],
};

/**
 * Writes what happens to Nest's logger, until the answer is called. What goes as it should has no line: two lines a job would be the
 * dearest part of a small one. Listen to `started` and `succeeded` with `@OnJobEvent` where they are wanted.
 */
export function attachLogListener(events: QueueEvents, logger: LoggerService): () => void {
  const detach = (Object.keys(LINES) as (keyof typeof LINES)[]).map((name) => attachLine(events, logger, name));
  return () => detach.forEach((stop) => stop());
}

function attachLine<Name extends JobEventName>(events: QueueEvents, logger: LoggerService, name: Name): () => void {
  const [level, line] = LINES[name] as Line<Name>;
  return events.on(name, (event) => logger[level]?.(line(event)));
}

function job({ id, queue, name, attempt }: JobEvent): string {
  return `job ${id} (${queue}${name && `/${name}`}, attempt ${attempt})`;
}

function fates({ poisoned, cancelled }: JobEvents['reaped']): string {
  return (poisoned ? `, ${poisoned} poisoned` : '') + (cancelled ? `, ${cancelled} cancelled` : '');
}

function failure({ name, message, code }: Pick<Failure, 'name' | 'message' | 'code'>): string {
  return oneLine(`${name}${code ? ` [${code}]` : ''}: ${message}`);
}

/** PostgreSQL quotes values in the messages of data and integrity errors (classes 22 and 23), as in `detail`: only the code is told. */
function loopError(error: unknown): string {
  if (!(error instanceof Error)) return `something of type ${typeof error} was thrown`;
  const { code: given } = error as { code?: unknown };
  const code = typeof given === 'string' ? given : '';
  const message = /^2[23][0-9A-Z]{3}$/.test(code) ? 'the database refused a value' : error.message;
  return failure({ name: error.name, message, code });
}

/** Whoever writes an error's text must not write lines or colours of the log, or turn them around (bidirectional marks). */
function oneLine(text: string, max = MAX_TEXT): string {
  const clean = String(text)
    .slice(0, max)
    .replace(/[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]+/gu, ' ')
    .toWellFormed();
  return text.length > max ? `${clean}...` : clean;
}

const ms = (value: number): string => `${Math.round(value)} ms`;
