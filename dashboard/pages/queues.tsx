import type { PageProps } from '../pages.js';
import type { QueuesAnswer } from '../parts/answers.js';
import { go, to } from '../parts/address.js';
import { useLook } from '../parts/live.js';
import { QueueTable } from '../parts/queue-table.js';
import { Shown } from '../parts/small.js';

/** All queues, by name. */
export function Queues({ said: { name = '', after } }: PageProps) {
  const looked = useLook<QueuesAnswer>('queues', { after });
  return (
    <>
      <h1>Queues</h1>
      <label class="field">
        Name{' '}
        <input
          type="search"
          value={name}
          onInput={(event) => go('queues', { after, name: event.currentTarget.value })}
        />
      </label>
      <Shown looked={looked}>
        {({ queues, next }) => (
          <>
            <QueueTable queues={queues.filter(({ queue }) => queue.includes(name))} after={after} />
            <p class="buttons">
              {after && <a href={to('queues')}>First page</a>}
              {next && <a href={to('queues', { after: next })}>Next page</a>}
            </p>
          </>
        )}
      </Shown>
    </>
  );
}
