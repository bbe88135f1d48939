import type { AddedStep } from '../job/added-step.js';
import { JobResult } from '../job/job-result.js';
import type { StoredOutput } from '../job/values/output.js';
import { QueueError } from '../job/queue.errors.js';
import type { JobRun } from './job-run.js';

interface Tools {
  completer: { stored(run: JobRun, output: unknown): StoredOutput };
  added: (run: JobRun, steps: readonly AddedStep[]) => Promise<string>;
}

/**
 * What `context.complete` was told: an output, or `JobResult.success` with the steps that it adds. @throws QueueError `INVALID_OUTPUT` for any
 * other result, which a handler returns and does not complete with.
 */
export async function toldSuccess(
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
