import { useEffect, useState } from 'preact/hooks';
import type { PageProps } from '../pages.js';
import { act, Do } from '../parts/acting.js';
import { to } from '../parts/address.js';
import type { Job, JobsAnswer } from '../parts/answers.js';
import { Many } from '../parts/by-filter.js';
import { FilterBar } from '../parts/filter-bar.js';
import { useLook } from '../parts/live.js';
import { JobLink, Progress, QueueLink, Shown, State, Text, When } from '../parts/small.js';
import { many, number } from '../parts/words.js';

const LIVE = ['ready', 'scheduled', 'running', 'blocked', 'staged'];

/** Jobs by filter, in compact rows without what they carry; those that are selected, or all that match, can be acted on. */
export function Jobs({ said }: PageProps) {
  const { after } = said;
  const filter = Object.fromEntries(Object.entries(said).filter(([name]) => name !== 'after'));
  const looked = useLook<JobsAnswer>('jobs', { ...filter, after });
  // Read so far while it looks on by itself; undefined: it does not.
  const [read, setRead] = useState<number>();
  useEffect(() => setRead(undefined), [JSON.stringify(filter)]);
  const { jobs, next, looked: count = 0 } = looked.answer ?? {};
  useEffect(() => {
    if (read === undefined || !jobs) return;
    setRead(next && jobs.length === 0 ? read + count : undefined);
    if (next && jobs.length === 0) location.replace(to('jobs', { ...filter, after: next }));
  }, [looked.answer, read === undefined]);
  return (
    <>
      <h1>Jobs</h1>
      <FilterBar filter={filter} />
      <Shown looked={looked}>
        {(answer) => <Found answer={answer} filter={filter} isFirst={!after} />}
      </Shown>
      {read !== undefined ? (
        <p role="status">
          {number(read)} jobs read.{' '}
          <button type="button" onClick={() => setRead(undefined)}>
            Stop
          </button>
        </p>
      ) : (
        next &&
        jobs?.length === 0 && (
          <button type="button" onClick={() => setRead(0)}>
            Look on until one matches
          </button>
        )
      )}
    </>
  );
}

function Found({
  answer: { jobs, next, looked },
  filter,
  isFirst,
}: {
  answer: JobsAnswer;
  filter: Record<string, string>;
  isFirst: boolean;
}) {
  const [selected, setSelected] = useState<ReadonlyMap<string, string>>(new Map());
  const [last, setLast] = useState(0);
  const key = JSON.stringify(filter);
  useEffect(() => setSelected(new Map()), [key]);
  const toggle = (index: number, isOn: boolean, isRange: boolean): void => {
    const [from, until] = isRange ? [Math.min(last, index), Math.max(last, index)] : [index, index];
    const chosen = new Map(selected);
    for (const job of jobs.slice(from, until + 1))
      if (isOn) chosen.set(...endOf(job));
      else chosen.delete(job.id);
    setSelected(chosen);
    setLast(index);
  };
  // One that is shown no more stands as it was chosen.
  const shown = jobs.map(endOf).filter(([id]) => selected.has(id));
  const all = jobs.length > 0 && jobs.every(({ id }) => selected.has(id));
  return (
    <>
      <Bar
        seen={Object.fromEntries([...selected, ...shown])}
        filter={filter}
        onDone={() => setSelected(new Map())}
      />
      {jobs.length === 0 ? (
        <p class="quiet">
          {next ? `None among the ${number(looked)} jobs that were read.` : 'No job matches.'}
        </p>
      ) : (
        <div class="scroll" role="region" aria-label="Jobs" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">
                  <input
                    type="checkbox"
                    aria-label="All of this page"
                    checked={all}
                    onChange={({ currentTarget: { checked } }) =>
                      setSelected(new Map(checked ? jobs.map(endOf) : []))
                    }
                  />
                </th>
                {['id', 'queue', 'name', 'state', 'attempt', 'when', 'progress or error'].map(
                  (head) => (
                    <th key={head} scope="col">
                      {head}
                    </th>
                  ),
                )}
              </tr>
            </thead>
            <tbody>
              {jobs.map((job, index) => (
                <Row
                  key={job.id}
                  job={job}
                  isOn={selected.has(job.id)}
                  onToggle={(isOn, isRange) => toggle(index, isOn, isRange)}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p class="buttons">
        {!isFirst && <a href={to('jobs', filter)}>First page</a>}
        {next && (
          <a href={to('jobs', { ...filter, after: next })}>
            {jobs.length === 0 ? 'Look further' : 'Next page'}
          </a>
        )}
      </p>
    </>
  );
}

/** What is run again as it was seen. */
const endOf = ({ id, finishedAt = '' }: Job): [string, string] => [id, finishedAt];

function Bar({
  seen,
  filter,
  onDone,
}: {
  seen: Record<string, string>;
  filter: Record<string, string>;
  onDone: () => void;
}) {
  const ids = Object.keys(seen);
  const each =
    (action: string, word: string, more = {}) =>
    async (): Promise<void> => {
      if (await act(action, { ids, ...more }, (answer: EachAnswer) => eachWords(answer, word)))
        onDone();
    };
  const states = (filter.state ?? '').split(',').filter(Boolean);
  const mayBeLive = states.length === 0 || states.some((state) => LIVE.includes(state));
  const mayHaveEnded = states.length === 0 || states.some((state) => !LIVE.includes(state));
  return (
    <div class="buttons" role="group" aria-label="Actions">
      {ids.length > 0 && (
        <>
          <span>{many(ids.length, 'job')} selected:</span>
          <Do may="retry" work={each('retry', 'will run', { seen })}>
            Run again or now
          </Do>
          <Do may="cancel" danger work={each('cancel', 'cancelled')}>
            Cancel
          </Do>
          <span class="quiet">All that match:</span>
        </>
      )}
      {mayHaveEnded && (
        <Many kind="redrive" filter={endedOnly(filter, states)} label="Run all again…" />
      )}
      {mayBeLive && (
        <Many kind="cancel-many" filter={liveOnly(filter, states)} label="Cancel all…" />
      )}
      <Many kind="purge" filter={withoutRunning(filter, states)} label="Delete all…" />
    </div>
  );
}

const narrowed = (filter: Record<string, string>, states: string[]): Record<string, string> =>
  states.length > 0 ? { ...filter, state: states.join(',') } : filter;

const endedOnly = (filter: Record<string, string>, states: string[]) =>
  narrowed(
    filter,
    states.filter((state) => !LIVE.includes(state)),
  );
const liveOnly = (filter: Record<string, string>, states: string[]) =>
  narrowed(
    filter,
    states.filter((state) => LIVE.includes(state)),
  );
const withoutRunning = (filter: Record<string, string>, states: string[]) =>
  narrowed(
    filter,
    states.filter((state) => state !== 'running'),
  );

interface EachAnswer {
  done: string[];
  refused: { message: string }[];
}

function eachWords({ done, refused }: EachAnswer, word: string): string {
  const why = refused[0] ? ` ${many(refused.length, 'job')} not: ${refused[0].message}` : '';
  return `${many(done.length, 'job')} ${word}.${why}`;
}

function Row({
  job,
  isOn,
  onToggle,
}: {
  job: Job;
  isOn: boolean;
  onToggle: (isOn: boolean, isRange: boolean) => void;
}) {
  const { id, queue, name, state, attempt, lastError, finishedAt, runAt, createdAt } = job;
  const when = finishedAt ?? (state === 'scheduled' ? runAt : createdAt);
  return (
    <tr data-row class={isOn ? 'selected' : ''}>
      <td>
        <input
          type="checkbox"
          aria-label={`Select ${id}`}
          checked={isOn}
          onClick={(event) => onToggle(event.currentTarget.checked, event.shiftKey)}
        />
      </td>
      <th scope="row">
        <JobLink id={id} />
      </th>
      <td>
        <QueueLink queue={queue} />
      </td>
      <td>{name && <Text>{name}</Text>}</td>
      <td>
        <State state={state} />
      </td>
      <td class="right">{attempt}</td>
      <td>
        <When at={when} />
      </td>
      <td class="error">
        {state === 'running' && job.progress && <Progress of={job.progress} />}
        {lastError && <Text>{`${lastError.name}: ${lastError.message}`}</Text>}
      </td>
    </tr>
  );
}
