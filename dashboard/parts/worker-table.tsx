import type { Worker } from './answers.js';
import { QueueLink, Table, Text, When } from './small.js';
import { number } from './words.js';

const MOST_QUEUES = 8;

export function WorkerTable({ workers }: { workers: Worker[] }) {
  if (workers.length === 0) return <p class="warn">No worker is alive.</p>;
  return (
    <Table
      label="Workers"
      heads={['worker', 'state', 'since', 'lease until', { head: 'holds', right: true }, 'queues']}
    >
      {workers.map(({ worker, lease, live, since, expiresAt, jobs, queues }) => (
        <tr key={lease} data-row>
          <th scope="row">
            <Text>{worker}</Text>
          </th>
          <td>
            {live ? (
              <span class="good">
                <span aria-hidden="true">●</span> alive
              </span>
            ) : (
              <span class="bad">
                <span aria-hidden="true">○</span> silent: its jobs are given back
              </span>
            )}
          </td>
          <td>
            <When at={since} />
          </td>
          <td>
            <When at={expiresAt} />
          </td>
          <td class="right">{number(jobs)}</td>
          <td>
            {queues.slice(0, MOST_QUEUES).map((queue) => (
              <span key={queue}>
                <QueueLink queue={queue} />{' '}
              </span>
            ))}
            {queues.length > MOST_QUEUES && `and ${queues.length - MOST_QUEUES} more`}
          </td>
        </tr>
      ))}
    </Table>
  );
}
