// Adds up what Jest's own reports (--json) say, a line for each run and one for all. Fails when a run failed, or ran nothing.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

const runs = process.argv
  .slice(2)
  .map((path) => ({ name: basename(path, '.json'), ...JSON.parse(readFileSync(path, 'utf8')) }));
for (const run of runs) console.log(`${run.name}: ${line([run])}`);
console.log(line(runs));
if (runs.length === 0 || runs.some((run) => !run.success || run.numPassedTests === 0))
  process.exit(1);

function line(of) {
  const sum = (field) => of.reduce((total, run) => total + run[field], 0);
  return `${sum('numPassedTests')} passed, ${sum('numFailedTests')} failed, ${sum('numPendingTests') + sum('numTodoTests')} skipped`;
}
