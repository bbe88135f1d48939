import type { PageProps } from '../pages.js';
import type { ScheduleAnswer } from '../parts/answers.js';
import { Backfill } from '../parts/backfill.js';
import { useLook } from '../parts/live.js';
import { ScheduleButtons, TickOutcome, timesOf } from '../parts/schedule-words.js';
import { At, Fact, JobLink, QueueLink, Reasons, Shown, Table, Text, When } from '../parts/small.js';
import { ZONE } from '../parts/words.js';

/** One schedule: when it will run, and what became of its last times. */
export function Schedule({ said: { name = '' } }: PageProps) {
  const looked = useLook<ScheduleAnswer>('schedule', { name });
  return (
    <>
      <h1>
        Schedule <Text>{name}</Text>
      </h1>
      <Shown looked={looked}>{(answer) => <Found answer={answer} />}</Shown>
    </>
  );
}

function Found({ answer: { schedule, reasons, next, ticks } }: { answer: ScheduleAnswer }) {
  return (
    <>
      <dl class="facts">
        <Fact name="times">{timesOf(schedule)}</Fact>
        <Fact name="queue">
          <QueueLink queue={schedule.queue} />
        </Fact>
        <Fact name="job name">{schedule.jobName}</Fact>
        <Fact name="owner">{schedule.owner}</Fact>
        <Fact name="paused">{schedule.pausedAt && <When at={schedule.pausedAt} />}</Fact>
        <Fact name="while one runs">{schedule.overlap}</Fact>
        <Fact name="missed times">{schedule.catchUp}</Fact>
        <Fact name="declared">
          {schedule.undeclared
            ? 'in code once, by no worker that is alive'
            : schedule.declared && 'in code'}
        </Fact>
      </dl>
      <Reasons reasons={reasons} />
      <ScheduleButtons schedule={schedule} />
      <h2>Next runs</h2>
      <Table label="Next runs" heads={['from now', ZONE, schedule.timeZone]}>
        {next.map((time) => (
          <tr key={time}>
            <td>
              <When at={time} />
            </td>
            <td>
              <At at={time} />
            </td>
            <td>{inZone(time, schedule.timeZone)}</td>
          </tr>
        ))}
      </Table>
      <h2>Last times</h2>
      {ticks.length === 0 && <p class="quiet">None yet.</p>}
      {ticks.length > 0 && (
        <Table label="Last times" heads={['time', 'outcome', 'job', 'code']}>
          {ticks.map((tick) => (
            <tr key={tick.at + tick.madeAt}>
              <td>
                <At at={tick.at} />
              </td>
              <td>
                <TickOutcome of={tick.outcome} />
                {tick.times !== undefined && tick.times > 1 && ` (${tick.times} times)`}
              </td>
              <td>{tick.jobId && <JobLink id={tick.jobId} />}</td>
              <td>{tick.code}</td>
            </tr>
          ))}
        </Table>
      )}
      <Backfill schedule={schedule} />
    </>
  );
}

/** A zone that this browser does not know is left to the server's own time. */
function inZone(time: string, timeZone: string): string {
  try {
    return new Date(time).toLocaleString(undefined, {
      timeZone,
      dateStyle: 'medium',
      timeStyle: 'medium',
    });
  } catch {
    return time;
  }
}
