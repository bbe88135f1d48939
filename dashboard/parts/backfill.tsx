import { useState } from 'preact/hooks';
import type { ScheduleRow } from './answers.js';
import { act, Do, may, say } from './acting.js';
import { tell } from './server.js';
import { At } from './small.js';
import { many } from './words.js';

const MOST_SHOWN = 20;

interface Missing {
  span: { name: string; from: string; to: string; seen: string };
  times: string[];
}

/** Makes up for past times of a schedule that have no job, once somebody has seen which. */
export function Backfill({ schedule: { name, digest } }: { schedule: ScheduleRow }) {
  const [missing, setMissing] = useState<Missing>();
  if (!may('schedules')) return null;
  const look = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    const [from, to] = ['from', 'to'].map((field) => new Date(data.get(field) as string));
    try {
      const span = { name, from: from!.toISOString(), to: to!.toISOString(), seen: digest };
      setMissing({ ...(await tell<Missing>('backfill-schedule', span)), span });
    } catch (error) {
      setMissing(undefined);
      say((error as Error).message, true);
    }
  };
  return (
    <>
      <h2>Make up for missed times</h2>
      <form class="row-form" onSubmit={(event) => void look(event)}>
        {['from', 'to'].map((field) => (
          <label key={field}>
            {field} <input name={field} type="datetime-local" required />
          </label>
        ))}
        <button type="submit">Show times without a job</button>
      </form>
      {missing && <Times missing={missing} onDone={() => setMissing(undefined)} />}
    </>
  );
}

function Times({ missing: { span, times }, onDone }: { missing: Missing; onDone: () => void }) {
  const jobs = many(times.length, 'job');
  const enqueue = async (): Promise<void> => {
    const body = { ...span, dryRun: false };
    if (await act('backfill-schedule', body, `${jobs} enqueued.`)) onDone();
  };
  return (
    <>
      <p role="status">{many(times.length, 'time')} without a job.</p>
      <ul class="reasons">
        {times.slice(0, MOST_SHOWN).map((time) => (
          <li key={time}>
            <At at={time} />
          </li>
        ))}
        {times.length > MOST_SHOWN && <li>and {times.length - MOST_SHOWN} more</li>}
      </ul>
      {times.length > 0 && (
        <Do may="schedules" work={enqueue}>
          Enqueue {jobs}
        </Do>
      )}
    </>
  );
}
