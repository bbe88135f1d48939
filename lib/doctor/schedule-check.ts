import type { Check, Examination } from './check.js';
import { fine, notice, type Observation } from './finding.js';
import { troubleCheck } from './trouble-checks.js';
import { counted, listed, command } from '../runtime/words.js';

/** Counts end here. */
const MOST = 1_000;

async function lookAtSchedules({ diagnosis, options }: Examination): Promise<Observation[]> {
  const { schedules, ended, undeclared } = await diagnosis.troubledSchedules(MOST);
  if (schedules === 0) return [];
  const found: Observation[] = [];
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
        `They go on. After a deploy that removed their decorators, run \`${command(['schedules', 'prune'], options)}\`; during one, look again.`,
      ),
    );
  return found.length > 0 ? found : [fine(`${counted(schedules, 'schedule')} on time.`)];
}

export const SCHEDULE_CHECKS: readonly Check[] = [
  { ...troubleCheck('SCHEDULES', lookAtSchedules), needsTables: true },
];
