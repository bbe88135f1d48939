import type { InTransaction } from '../job/enqueue-options.js';
import { JobResult } from '../job/job-result.js';
import type { StoredOutput } from '../job/values/output.js';
import { QueueError } from '../job/queue.errors.js';
import type { JobRun } from './job-run.js';
import type { ContextTools } from './context-tools.js';

type Tools = Pick<ContextTools, 'added' | 'completer' | 'progress'>;

/**
 * `context.complete` of a run, alone or of a batch (`call`). Its error stays with the run: a handler that catches it has not succeeded, since
 * what it wrote in that transaction is lost. Outside of one, nothing is.
 */
export async function completeNow(
  run: JobRun,
  tools: Tools,
  output: unknown,
  { options, call }: { options: InTransaction; call?: readonly JobRun[] },
): Promise<void> {
  try {
    const stored = await toldSuccess(run, output, tools);
    if (tools.progress.hasNewsOf(run)) await tools.progress.writeLast(run);
    await tools.completer.complete(run, stored, options, call);
    await run.lane.handler.checkOutput?.(run, stored);
  } catch (error) {
    if (!isOutside(error)) run.uncompleted = error;
    throw error;
  }
}

const isOutside = (error: unknown): boolean =>
  error instanceof QueueError && error.code === 'MANAGER_INACTIVE';

/**
 * What `context.complete` was told: an output, or `JobResult.success` with the steps that it adds. @throws QueueError `INVALID_OUTPUT` for any
 * other result, which a handler returns and does not complete with.
 */
async function toldSuccess(
  run: JobRun,
  output: unknown,
  { completer, added }: Tools,
): Promise<StoredOutput & { added?: string }> {
  if (!(output instanceof JobResult)) return completer.stored(run, output);
  const { verdict } = output;
  if (verdict.kind !== 'success') throw noSuccess(run, verdict.kind);
  const stored = completer.stored(run, verdict.output);
  return verdict.then ? { ...stored, added: await added(run, verdict.then) } : stored;
}

const noSuccess = ({ id, queue }: JobRun, kind: string): QueueError =>
  new QueueError(
    'INVALID_OUTPUT',
    `context.complete of job ${id} of queue "${queue}" was given a JobResult that is no success (${kind}). Let the transaction roll back, and return it from the handler.`,
  );
