import type { ScheduleRow, TickRow } from './answers.js';
import { act, Do } from './acting.js';
import { span } from './words.js';

/** When it runs: `0 2 * * * (Europe/Berlin)`, `every 5 min`. */
export const timesOf = ({ cron, everyMs, timeZone }: ScheduleRow): string =>
  cron === undefined ? `every ${span(everyMs ?? 0)}` : `${cron} (${timeZone})`;

export function ScheduleButtons({
  schedule: { name, pausedAt, digest },
}: {
  schedule: ScheduleRow;
}) {
  const said = { name, seen: digest };
  return (
    <span class="buttons">
      <Do may="schedules" work={() => act('run-schedule', said, `The job of ${name} is enqueued.`)}>
        Run now
      </Do>
      <Do
        may="schedules"
        work={() =>
          act(
            pausedAt ? 'resume-schedule' : 'pause-schedule',
            said,
            `Schedule ${name} is ${pausedAt ? 'resumed' : 'paused'}.`,
          )
        }
      >
        {pausedAt ? 'Resume' : 'Pause'}
      </Do>
    </span>
  );
}

/** As long as the list of troubles waits before it says so. */
const OVERDUE_MS = 300_000;

export const isOverdue = ({ pausedAt, nextAt }: ScheduleRow): boolean =>
  !pausedAt && nextAt !== undefined && Date.parse(nextAt) < Date.now() - OVERDUE_MS;

/** What became of a time; where no job came of it, that is seen. */
export function TickOutcome({ of }: { of: TickRow['outcome'] | undefined }) {
  if (!of) return null;
  return <span class={/missed|refused|skipped/.test(of) ? 'bad' : 'quiet'}>{of}</span>;
}
