import type { ScheduleRow } from './answers.js';
import { act, Do } from './acting.js';
import { span } from './words.js';

/** When it runs: `0 2 * * * (Europe/Berlin)`, `every 5 min`. */
export const timesOf = ({ cron, everyMs, timeZone }: ScheduleRow): string =>
  cron === undefined ? `every ${span(everyMs ?? 0)}` : `${cron} (${timeZone})`;

export function ScheduleButtons({ schedule: { name, pausedAt } }: { schedule: ScheduleRow }) {
  return (
    <span class="buttons">
      <Do
        may="schedules"
        work={() => act('run-schedule', { name }, `The job of ${name} is enqueued.`)}
      >
        Run now
      </Do>
      <Do
        may="schedules"
        work={() =>
          act(
            pausedAt ? 'resume-schedule' : 'pause-schedule',
            { name },
            `Schedule ${name} is ${pausedAt ? 'resumed' : 'paused'}.`,
          )
        }
      >
        {pausedAt ? 'Resume' : 'Pause'}
      </Do>
    </span>
  );
}
