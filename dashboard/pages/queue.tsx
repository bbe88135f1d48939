import type { PageProps } from '../pages.js';
import { act, Sure } from '../parts/acting.js';
import { to } from '../parts/address.js';
import type { QueueAnswer } from '../parts/answers.js';
import { Many } from '../parts/by-filter.js';
import { LimitForm } from '../parts/limit-form.js';
import { LimitInUse } from '../parts/limit-in-use.js';
import { useLook } from '../parts/live.js';
import { PauseState } from '../parts/queue-table.js';
import { RunSeries } from '../parts/run-series.js';
import { Settings } from '../parts/settings.js';
import { Count, Fact, JobLink, Reasons, Shown, State, Table, Text, When } from '../parts/small.js';
import { count, many, number, span } from '../parts/words.js';
import { WorkerTable } from '../parts/worker-table.js';

/** One queue: what it holds, who works it, what keeps it up. */
export function Queue({ said: { queue = '', hours } }: PageProps) {
  const looked = useLook<QueueAnswer>('queue', { queue });
  return (
    <>
      <h1>
        Queue <Text>{queue}</Text>
      </h1>
      <Shown looked={looked}>
        {(answer) => <Found answer={answer} queue={queue} hours={hours} />}
      </Shown>
    </>
  );
}

function Found({
  answer,
  queue,
  hours,
}: {
  answer: QueueAnswer;
  queue: string;
  hours: string | undefined;
}) {
  const { stats, workers, blockedGroups } = answer;
  return (
    <>
      <Depth stats={stats} queue={queue} pausedBy={answer.pausedBy} />
      <Why why={answer.why} />
      {blockedGroups.length > 0 && <Groups groups={blockedGroups} queue={queue} />}
      <div class="buttons">
        <Many kind="redrive" filter={{ queue }} label="Run failed jobs again" />
        <Many kind="cancel-many" filter={{ queue }} label="Cancel waiting jobs" />
        <Many kind="purge" filter={{ queue, state: DEAD }} label="Delete failed jobs" />
      </div>
      <RunSeries
        queue={queue}
        hours={hours}
        place={(wanted) => to('queue', { queue, hours: wanted })}
      />
      <h2>Limit across the fleet</h2>
      <LimitInUse limit={answer.limit} />
      <LimitForm name={queue} limit={answer.limit} ofQueue />
      {answer.limitPerKey && (
        <>
          <h2>Limit of each key</h2>
          <LimitInUse limit={answer.limitPerKey} />
          <LimitForm name={queue} limit={answer.limitPerKey} ofQueue />
        </>
      )}
      <h2>Lanes</h2>
      <Table label="Lanes" heads={['name', { head: 'ready', right: true }, 'served by']}>
        {stats.lanes.map((lane) => (
          <tr key={lane.name}>
            <th scope="row">{lane.name ? <Text>{lane.name}</Text> : 'jobs without a name'}</th>
            <td class="right">{count(lane.ready)}</td>
            <td>
              {lane.workers === 0 ? <span class="bad">nobody</span> : many(lane.workers, 'worker')}
            </td>
          </tr>
        ))}
      </Table>
      <Settings settings={answer.settings} />
      <h2>Workers</h2>
      <WorkerTable workers={workers} />
    </>
  );
}

function Why({ why }: Pick<QueueAnswer, 'why'>) {
  if (!why) return null;
  return (
    <>
      <h2>Why its first job waits</h2>
      <Reasons reasons={why.reasons} />
      <p class="quiet">
        It is <JobLink id={why.id} />.
      </p>
    </>
  );
}

const DEAD = 'failed,unprocessable,critical,poisoned';

function Depth({
  stats,
  queue,
  pausedBy,
}: {
  stats: QueueAnswer['stats'];
  queue: string;
  pausedBy: string | undefined;
}) {
  const jobs = (state: string): string => to('jobs', { queue, state });
  const dead = Object.entries(stats.deadLettersByState);
  return (
    <dl class="facts">
      <Fact name="state">
        <PauseState queue={queue} paused={stats.paused} since={stats.pausedAt} />
      </Fact>
      <Fact name="paused by">
        {pausedBy && (
          <a href={to('audit', { queue, action: 'pause' })}>
            <Text>{pausedBy}</Text>
          </a>
        )}
      </Fact>
      <Fact name="ready">
        <Count of={stats.ready} href={jobs('ready')} />
      </Fact>
      <Fact name="oldest ready">
        {stats.oldestReadyMs !== undefined && `waits for ${span(stats.oldestReadyMs)}`}
      </Fact>
      <Fact name="running">
        <Count of={stats.running} href={jobs('running')} />
      </Fact>
      <Fact name="scheduled">
        <Count of={stats.scheduled} href={jobs('scheduled')} />
      </Fact>
      <Fact name="next due">{stats.nextRunAt && <When at={stats.nextRunAt} />}</Fact>
      <Fact name="blocked">
        {stats.blocked.jobs > 0 && <Count of={stats.blocked} href={jobs('blocked')} />}
      </Fact>
      <Fact name="suspects">{stats.suspects.jobs > 0 && count(stats.suspects)}</Fact>
      <Fact name="staged">
        {stats.staged.jobs > 0 && <Count of={stats.staged} href={jobs('staged')} />}
      </Fact>
      <Fact name="dead letters">
        <Count of={stats.deadLetters} href={jobs(DEAD)} bad />
      </Fact>
      {dead.map(([state, number_]) => (
        <Fact key={state} name="of them">
          <a href={jobs(state)}>
            {number(number_ ?? 0)} <State state={state} />
          </a>
        </Fact>
      ))}
    </dl>
  );
}

const releasedTold = ({ released }: { released: string | null }): string =>
  released ? 'The group goes on.' : 'It is not blocked any more.';

function Groups({ groups, queue }: { groups: QueueAnswer['blockedGroups']; queue: string }) {
  return (
    <>
      <h2>Groups that a failed job blocks</h2>
      <Table
        label="Blocked groups"
        heads={['group', 'by job', 'since', { head: 'waiting', right: true }, 'do']}
      >
        {groups.map(({ group, job, since, waiting, halts }) => (
          <tr key={job}>
            <th scope="row">
              {group ? <Text>{group}</Text> : group === undefined ? 'hidden' : 'the queue'}
              {halts && ' (halts the queue)'}
            </th>
            <td>
              <JobLink id={job} />
            </td>
            <td>
              <When at={since} />
            </td>
            <td class="right">{count(waiting)}</td>
            <td>
              {group !== undefined && (
                <Sure
                  may="release"
                  label="Go on without it"
                  title="Let the group go on?"
                  text="Its next job runs though the one before it failed. The failed job stays in the dead letter queue."
                  work={() => act('release', { queue, group, seen: job }, releasedTold)}
                />
              )}
            </td>
          </tr>
        ))}
      </Table>
    </>
  );
}
