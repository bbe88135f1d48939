import { to } from './address.js';
import type { Worker } from './answers.js';
import { JobLink, QueueLink, Table, Text, When } from './small.js';
import { number, span } from './words.js';

const MOST_QUEUES = 8;
const MOST_JOBS = 3;
/** From here on heartbeats and timers of a process are late. */
const LATE_MS = 1_000;

/** Who is silent comes first, then who is late. */
const byNeed = (a: Worker, b: Worker): number =>
  Number(a.live) - Number(b.live) || Number(isLate(b)) - Number(isLate(a));

const isLate = ({ loopMs = 0 }: Worker): boolean => loopMs > LATE_MS;

export function WorkerTable({ workers }: { workers: Worker[] }) {
  if (workers.length === 0) return <p class="warn">No worker is alive.</p>;
  const right = (head: string) => ({ head, right: true });
  return (
    <Table
      label="Workers"
      heads={[
        'worker',
        'state',
        'since',
        'lease ends',
        right('loop late by'),
        right('memory'),
        'holds',
        'queues',
      ]}
    >
      {workers.toSorted(byNeed).map((worker) => (
        <Row key={worker.lease} worker={worker} />
      ))}
    </Table>
  );
}

function Row({ worker: row }: { worker: Worker }) {
  const { worker, host, version, since, expiresAt, loopMs, memoryMb, queues } = row;
  return (
    <tr data-row>
      <th scope="row">
        <Text>{worker}</Text>
        {version && (
          <div class="quiet">
            <Text>{version}</Text> on <Text>{host ?? ''}</Text>
          </div>
        )}
      </th>
      <td>
        <Alive worker={row} />
      </td>
      <td>
        <When at={since} />
      </td>
      <td>
        <When at={expiresAt} />
      </td>
      <td class={`right ${isLate(row) ? 'bad' : ''}`}>{loopMs !== undefined && span(loopMs)}</td>
      <td class="right">{memoryMb !== undefined && `${number(memoryMb)} MB`}</td>
      <td>
        <Holds worker={row} />
      </td>
      <td>
        {queues.slice(0, MOST_QUEUES).map((queue) => (
          <span key={queue}>
            <QueueLink queue={queue} />{' '}
          </span>
        ))}
        {queues.length > MOST_QUEUES && `and ${queues.length - MOST_QUEUES} more`}
      </td>
    </tr>
  );
}

function Alive({ worker: { live, alone } }: { worker: Worker }) {
  if (!live)
    return (
      <span class="bad">
        <span aria-hidden="true">○</span> silent: its jobs are given back
      </span>
    );
  return alone ? (
    <span class="warn">
      <span aria-hidden="true">?</span> alone with a suspect
    </span>
  ) : (
    <span class="good">
      <span aria-hidden="true">●</span> alive
    </span>
  );
}

function Holds({ worker: { worker, jobs, holds } }: { worker: Worker }) {
  if (jobs === 0) return <span class="none">0</span>;
  return (
    <>
      <a href={to('jobs', { state: 'running', q: `worker:${JSON.stringify(worker)}` })}>
        {number(jobs)}
      </a>
      {holds.slice(0, MOST_JOBS).map((id) => (
        <div key={id}>
          <JobLink id={id} />
        </div>
      ))}
    </>
  );
}
