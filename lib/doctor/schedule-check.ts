import type { Check, Examination } from './check.js';
import { fine, notice, warning, type Observation } from './finding.js';
import { counted, listed } from '../runtime/words.js';

/** Counts end here. */
const MOST = 1_000;

async function lookAtSchedules({ diagnosis }: Examination): Promise<Observation[]> {
  const { schedules, behind, ended, undeclared } = await diagnosis.troubledSchedules(MOST);
  if (schedules === 0) return [];
  const found: Observation[] = [];
  if (behind.length > 0)
    found.push(
      warning(
        `Schedules are more than five minutes behind: ${listed(behind)}.`,
        'Start a worker: a process with worker: false makes no ticks. If one runs, read its log (loopFailed, SCHEDULE_BROKEN), and look for a transaction that holds the row.',
      ),
    );
  if (ended.length > 0)
    found.push(
      notice(
        `Schedules never run again, since their last time is over: ${listed(ended)}.`,
        'Remove them, or put them with another endAt.',
      ),
    );
  if (undeclared.length > 0)
    found.push(
      notice(
        `Schedules are declared by no worker that is alive: ${listed(undeclared)}.`,
        'They go on. After a deploy that removed their decorators, run "simple-queue schedules prune"; during one, look again.',
      ),
    );
  return found.length > 0 ? found : [fine(`${counted(schedules, 'schedule')} on time.`)];
}

export const SCHEDULE_CHECKS: readonly Check[] = [
  { code: 'SCHEDULES', subject: 'the schedules', needsTables: true, look: lookAtSchedules },
];
