import type { QueueRate } from '../../lib/dashboard/looks/rates.js';
import type { JobCount } from '../../lib/admin/overview.js';
import type { Queue, RatesAnswer, Told } from './answers.js';
import { act, Do } from './acting.js';
import { to } from './address.js';
import { useLook } from './live.js';
import { Rate } from './rate.js';
import { Count, QueueLink, Table, When } from './small.js';
import { count, many, span } from './words.js';

const DEAD = 'failed,unprocessable,critical,poisoned';

/** Those that need a look come first: dead letters, then what waits longest. */
const byNeed = (a: Queue, b: Queue): number =>
  b.deadLetters.jobs - a.deadLetters.jobs ||
  (b.oldestReadyMs ?? 0) - (a.oldestReadyMs ?? 0) ||
  a.queue.localeCompare(b.queue);

/** `after`: which page of the queues they are. */
export function QueueTable({
  queues,
  after,
  most,
  total,
}: {
  queues: Queue[];
  after?: string | undefined;
  most?: number;
  total?: Told<JobCount>;
}) {
  const { answer } = useLook<RatesAnswer>('rates', { after });
  if (queues.length === 0)
    return <p class="quiet">No queue is known yet. The first job makes one.</p>;
  const shown = most === undefined ? queues : queues.toSorted(byNeed).slice(0, most);
  const right = (head: string) => ({ head, right: true });
  return (
    <>
      <Table
        label="Queues"
        heads={[
          'queue',
          right('ready'),
          right('running'),
          right('scheduled'),
          right('blocked'),
          right('failed'),
          right('oldest'),
          right('runs per minute'),
          'served by',
          'state',
        ]}
      >
        {shown.map((queue) => (
          <Row
            key={queue.queue}
            queue={queue}
            rate={answer?.rates.find((rate) => rate.queue === queue.queue)}
          />
        ))}
      </Table>
      {shown.length < queues.length && (
        <p>
          <a href={to('queues')}>All {total ? count(total) : queues.length} queues</a>
        </p>
      )}
    </>
  );
}

function Row({ queue: row, rate }: { queue: Queue; rate: QueueRate | undefined }) {
  const { queue, lanes, oldestReadyMs } = row;
  const jobs = (state: string): string => to('jobs', { queue, state });
  const workers = Math.max(0, ...lanes.map((lane) => lane.workers));
  return (
    <tr data-row>
      <th scope="row">
        <QueueLink queue={queue} />
      </th>
      <td class="right">
        <Count of={row.ready} href={jobs('ready')} />
      </td>
      <td class="right">
        <Count of={row.running} href={jobs('running')} />
      </td>
      <td class="right">
        <Count of={row.scheduled} href={jobs('scheduled')} />
      </td>
      <td class="right">
        <Count of={row.blocked} href={jobs('blocked')} />
      </td>
      <td class="right">
        <Count of={row.deadLetters} href={jobs(DEAD)} bad />
      </td>
      <td class="right">{oldestReadyMs === undefined ? '' : span(oldestReadyMs)}</td>
      <td class="right rate">
        <Rate of={rate} />
      </td>
      <td>{workers === 0 ? <span class="bad">nobody</span> : many(workers, 'worker')}</td>
      <td>
        <PauseState queue={queue} paused={row.paused} since={row.pausedAt} />
      </td>
    </tr>
  );
}

/** Whether it is paused, and the button that changes it. */
export function PauseState({
  queue,
  paused,
  since,
}: {
  queue: string;
  paused: boolean;
  since: string | undefined;
}) {
  const work = (): Promise<boolean> =>
    act(
      paused ? 'resume' : 'pause',
      { queue },
      `Queue ${queue} is ${paused ? 'resumed' : 'paused'}.`,
    );
  return (
    <>
      {paused ? (
        <span class="warn">
          <span aria-hidden="true">‖</span> paused <When at={since} />{' '}
        </span>
      ) : (
        <span class="quiet">open </span>
      )}
      <Do may="pause" work={work}>
        {paused ? 'Resume' : 'Pause'}
      </Do>
    </>
  );
}
