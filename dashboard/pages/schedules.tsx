import type { PageProps } from '../pages.js';
import { to } from '../parts/address.js';
import type { ScheduleRow } from '../parts/answers.js';
import { useLook } from '../parts/live.js';
import { isOverdue, ScheduleButtons, TickOutcome, timesOf } from '../parts/schedule-words.js';
import { QueueLink, Shown, Table, Text, When } from '../parts/small.js';

/** Every schedule, by name. */
export function Schedules({ said: { after } }: PageProps) {
  const looked = useLook<{ schedules: ScheduleRow[]; next?: string }>('schedules', { after });
  return (
    <>
      <h1>Schedules</h1>
      <Shown looked={looked}>
        {({ schedules, next }) => (
          <>
            {schedules.length === 0 ? (
              <p class="quiet">There is no schedule.</p>
            ) : (
              <Table label="Schedules" heads={['schedule', 'queue', 'times', 'next', 'last', 'do']}>
                {schedules.map((schedule) => (
                  <Row key={schedule.name} schedule={schedule} />
                ))}
              </Table>
            )}
            {next && <a href={to('schedules', { after: next })}>More</a>}
          </>
        )}
      </Shown>
    </>
  );
}

function Row({ schedule }: { schedule: ScheduleRow }) {
  const { name, queue, pausedAt, nextAt, lastAt, lastOutcome } = schedule;
  return (
    <tr data-row>
      <th scope="row">
        <a href={to('schedule', { name })}>
          <Text>{name}</Text>
        </a>
      </th>
      <td>
        <QueueLink queue={queue} />
      </td>
      <td>
        <Text>{timesOf(schedule)}</Text>
      </td>
      <td>
        {pausedAt && <span class="warn">paused</span>}
        {!pausedAt && !nextAt && 'ended'}
        {!pausedAt && nextAt && <When at={nextAt} />}
        {isOverdue(schedule) && <span class="bad"> overdue</span>}
      </td>
      <td>
        {lastAt && <When at={lastAt} />} <TickOutcome of={lastOutcome} />
      </td>
      <td>
        <ScheduleButtons schedule={schedule} />
      </td>
    </tr>
  );
}
