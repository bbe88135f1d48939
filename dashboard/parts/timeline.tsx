import type { ComponentChildren } from 'preact';
import { to } from './address.js';
import type { JobAnswer } from './answers.js';
import { At, State, Table, Text } from './small.js';
import { span } from './words.js';

type Job = JobAnswer['job'];

const ENDED = /^(succeeded|failed|unprocessable|critical|poisoned|cancelled|expired)$/;

interface Event {
  at: string;
  what: ComponentChildren;
  attempt?: number;
  waitMs?: number;
  runMs?: number;
  worker?: string;
  error?: { name: string; message: string };
}

/** From its enqueue to its end, or to what comes next: what each attempt waited for and came to. */
export function Timeline({ job }: { job: Job }) {
  const events = eventsOf(job);
  const longest = Math.max(1, ...events.map(({ runMs = 0 }) => runMs));
  return (
    <>
      <h2>What happened</h2>
      <Table
        label="What happened"
        heads={[
          'when',
          'what',
          { head: 'attempt', right: true },
          { head: 'after', right: true },
          'ran',
          'worker',
          'error',
        ]}
      >
        {events.map((event, index) => (
          <Row key={index} event={event} longest={longest} />
        ))}
      </Table>
    </>
  );
}

function Row({ event, longest }: { event: Event; longest: number }) {
  const { at, what, attempt, waitMs, runMs, worker, error } = event;
  return (
    <tr>
      <td>
        <At at={at} />
      </td>
      <th scope="row">{what}</th>
      <td class="right">{attempt}</td>
      <td class="right">{waitMs !== undefined && span(Math.max(0, waitMs))}</td>
      <td>
        {runMs !== undefined && (
          <>
            <progress max={longest} value={runMs} aria-label="Share of the longest run" />{' '}
            {span(runMs)}
          </>
        )}
      </td>
      <td>{worker && <Text>{worker}</Text>}</td>
      <td class="error">{error && <Text>{`${error.name}: ${error.message}`}</Text>}</td>
    </tr>
  );
}

function eventsOf(job: Job): Event[] {
  const { history = [], finishedAt, runMs, worker, attempt, state } = job;
  const runs = history.map(({ outcome, ...run }): Event => {
    const what = outcome === 'revived' ? 'run again by an operator' : <State state={outcome} />;
    return { ...run, what };
  });
  // How a dead letter ended is the last line of its history, too.
  const isTold = finishedAt !== undefined && history.at(-1)?.outcome === state;
  const last: Event[] = [];
  if (ENDED.test(state) && !isTold && finishedAt)
    last.push({
      at: finishedAt,
      what: <State state={state} />,
      ...given({ attempt, runMs, worker }),
    });
  if (state === 'scheduled') last.push({ at: job.runAt, what: 'is due' });
  const events = [{ at: job.createdAt, what: <Created job={job} /> }, ...runs, ...last];
  return events.map((event, index) => {
    const before = events[index - 1]?.at;
    return before === undefined
      ? event
      : { ...event, waitMs: Date.parse(event.at) - Date.parse(before) - (event.runMs ?? 0) };
  });
}

const given = (parts: Partial<Event>): Partial<Event> =>
  Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));

/** By whom, as far as a job knows. */
function Created({ job: { schedule, workflowId } }: { job: Job }) {
  if (schedule)
    return (
      <>
        enqueued by schedule{' '}
        <a href={to('schedule', { name: schedule.name })}>
          <Text>{schedule.name}</Text>
        </a>
      </>
    );
  if (workflowId)
    return (
      <>
        enqueued for workflow{' '}
        <a class="id" href={to('workflow', { id: workflowId })}>
          {workflowId}
        </a>
      </>
    );
  return 'enqueued';
}
