import { NO_OUTPUT } from '../job/values/output.js';
import { completionOf } from './commands.js';
import type { Success } from '../storage/settle/ended-run.js';
import type { RunReports } from '../observability/run-reports.js';
import type { Settling } from './settling.js';

/** What the database learns of a success. That its output was not stored as it is, is said once. */
export function successOf(reports: RunReports): (settling: Settling) => Success {
  return ({ run, outcome }) => {
    const stored = (outcome.kind === 'succeeded' && outcome.stored) || NO_OUTPUT;
    if (stored.problem && !run.cutTold) reports.outputCut(run, stored.problem);
    run.cutTold ||= stored.problem !== undefined;
    return completionOf(run, stored.text, outcome.kind === 'succeeded' ? outcome.added : undefined);
  };
}
