import type { INestApplicationContext } from '@nestjs/common';
import type { JobEnd } from '../job/job-end.js';
import { isTemplate, templateLabel, type JobTarget, type OutputOf } from '../job/job-template.js';
import { checkQueueName, quote } from '../job/names.js';
import { outputText } from '../job/values/output.js';
import { QueueError } from '../job/queue.errors.js';
import { outside } from '../runtime/outside.js';
import { endAs } from '../waiting/read-as.js';
import { partsOf, type ApplicationParts, type OfInstance } from './application-parts.js';
import { HandWorker } from './hand-worker.js';
import type { RanJob } from './run-watch.js';
import { COUNT_WAITING } from './sql/count-waiting.sql.js';
import { duration } from '../options/handler-rules.js';
import { HOUR_MS, inMs, type Duration } from '../job/values/duration.js';

/** Whose jobs, and how long they may take. */
export interface RunOptions extends OfInstance {
  /** Milliseconds that the work may take, default 4,000: a second less than Jest and Vitest give a test. */
  timeoutMs?: Duration;
}

const DEFAULT_TIMEOUT_MS = 4_000;

/**
 * Runs one due job of the real tables to the end of its run, by the handlers of the application, and returns what became of it: the most
 * urgent one, or that of a queue or template. Nothing else runs.
 * @throws QueueError `NOTHING_DUE` (with what waits), `HANDLER_MISSING`, `RUN_TIMEOUT`, `WORKER_RUNNING`, `WORKER_DISABLED`, `INVALID_NAME`,
 * `INVALID_OPTION`, `INVALID_OUTPUT` (the output does not fit the given template), `MODULE_INVALID`.
 */
export async function runNext<Target extends JobTarget = string>(
  app: INestApplicationContext,
  target?: Target,
  options: RunOptions = {},
): Promise<RanJob<OutputOf<Target>>> {
  const parts = partsOf(app, options);
  const ran = await onHandWorker(parts, target, options, (worker, timeoutMs) =>
    worker.next(target, timeoutMs),
  );
  if (ran.outcome !== 'succeeded') return ran as RanJob<OutputOf<Target>>;
  const template = isTemplate(target) ? target : undefined;
  const { output }: JobEnd = await endAs<unknown>(template, {
    id: ran.id,
    state: 'succeeded',
    output: await storedOutput(parts, ran),
  });
  return { ...ran, output } as RanJob<OutputOf<Target>>;
}

/** As those who wait for it get it; of a queue that keeps nothing, as JSON makes it. */
async function storedOutput(
  { queues }: ApplicationParts,
  { id, output }: RanJob,
): Promise<unknown> {
  const found = await queues.find(id);
  if (found) return found.output;
  const { text } = outputText(output, Infinity);
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}

type Work = (worker: HandWorker, timeoutMs: number) => Promise<RanJob | undefined>;

/** Checks everything that may be wrong with a call, and says what waits where nothing is due. */
export async function onHandWorker(
  parts: ApplicationParts,
  target: JobTarget | undefined,
  options: RunOptions,
  work: Work,
): Promise<RanJob> {
  const timeoutMs = checkTimeout(options);
  if (target !== undefined && !isTemplate(target)) checkQueueName(target);
  refuseLoops(parts);
  // As in production, handlers inherit nothing of whoever calls: neither a test's context nor its transaction.
  return outside(() =>
    HandWorker.with(parts, async (worker) => {
      const ran = await work(worker, timeoutMs);
      if (ran) return ran;
      throw (await worker.serves(target))
        ? await nothingDue(parts, target)
        : missing(parts, target);
    }),
  );
}

/** @throws QueueError `INVALID_OPTION` */
export function checkTimeout(options: RunOptions): number {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = inMs(options);
  const [problem] = duration(1, HOUR_MS)(timeoutMs, 'timeoutMs');
  if (problem) throw new QueueError('INVALID_OPTION', `${problem}.`);
  return timeoutMs;
}

/** One job at a time is a promise that loops would break. */
export function refuseLoops({ worker, options }: ApplicationParts): void {
  if (!options.worker)
    throw new QueueError(
      'WORKER_DISABLED',
      'This application only enqueues: the module was set up with worker: false. Leave that out in the test.',
    );
  if (!worker.isRunning) return;
  throw new QueueError(
    'WORKER_RUNNING',
    'The worker of this application runs, and takes jobs by itself. Use SimpleQueueTestingModule, or worker: { autoStart: false }; or wait with drain(app).',
  );
}

function missing({ registry }: ApplicationParts, target: JobTarget | undefined): QueueError {
  const known = registry.queueNames().map((queue) => `"${queue}"`);
  const has =
    known.length > 0
      ? `It has handlers for ${known.join(', ')}.`
      : 'It has none. Was app.init() awaited?';
  const whose =
    target === undefined
      ? 'any queue'
      : isTemplate(target)
        ? `"${templateLabel(target)}"`
        : `queue ${quote(target)}`;
  return new QueueError('HANDLER_MISSING', `The application has no handler for ${whose}. ${has}`);
}

interface Waiting {
  queue: string;
  state: string;
  jobs: number;
  paused: boolean;
  dueInMs: number;
}

async function nothingDue(
  { storage }: ApplicationParts,
  target: JobTarget | undefined,
): Promise<QueueError> {
  const [queue, name] = isTemplate(target) ? [target.queue, target.name] : [target, undefined];
  const rows = await storage.database.callers.run<Waiting>(COUNT_WAITING, [
    queue ?? null,
    name ?? null,
  ]);
  const where =
    target === undefined ? '' : ` in ${isTemplate(target) ? templateLabel(target) : quote(target)}`;
  const waits =
    rows.length > 0
      ? `What waits there: ${rows.map(described).join(', ')}.`
      : 'No job waits there.';
  return new QueueError('NOTHING_DUE', `No job is due${where}. ${waits}`);
}

/** A ready job that was not taken has nobody here who may run it. */
function described({ queue, state, jobs, paused, dueInMs }: Waiting): string {
  const notes = [
    ...(state === 'scheduled' ? [`the first in ${Math.ceil(dueInMs)} ms`] : []),
    ...(paused ? ['paused'] : []),
    ...(state === 'ready' && !paused ? ['without a handler here, or for other workers'] : []),
  ];
  return `${jobs} ${state} in ${quote(queue)}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`;
}
