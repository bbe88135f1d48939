import type { PageProps } from '../pages.js';
import type { OverviewAnswer } from '../parts/answers.js';
import { go } from '../parts/address.js';
import { useLook } from '../parts/live.js';
import { QueueTable } from '../parts/queue-table.js';
import { Shown } from '../parts/small.js';
import { many } from '../parts/words.js';

const MOST = 200;

/** All queues, by name. */
export function Queues({ said: { name = '' } }: PageProps) {
  const looked = useLook<OverviewAnswer>('overview');
  return (
    <>
      <h1>Queues</h1>
      <label class="field">
        Name{' '}
        <input
          type="search"
          value={name}
          onInput={(event) => go('queues', { name: event.currentTarget.value })}
        />
      </label>
      <Shown looked={looked}>
        {({ queues }) => {
          const found = queues.filter(({ queue }) => queue.includes(name));
          return (
            <>
              <QueueTable queues={found.slice(0, MOST)} />
              {found.length > MOST && (
                <p class="quiet">
                  {many(found.length - MOST, 'more queue')}: give a part of the name.
                </p>
              )}
            </>
          );
        }}
      </Shown>
    </>
  );
}
