import { outputText } from '../job/payload.js';
import { completionOf } from './commands.js';
import type { Success } from '../storage/settle/ended-run.js';
import type { RunReports } from '../observability/run-reports.js';
import type { Settling } from './settling.js';

/** What the database is told of a success. An output that cannot be stored as it is is cut or left out, and said so once. */
export function successOf(
  reports: RunReports,
  maxOutputBytes: number,
): (settling: Settling) => Success {
  return ({ run, outcome }) => {
    const stored = outcome.kind === 'succeeded' ? outputText(outcome.output, maxOutputBytes) : {};
    if (stored.problem && !run.cutTold) reports.outputCut(run, stored.problem);
    run.cutTold ||= stored.problem !== undefined;
    return completionOf(run, stored.text);
  };
}
