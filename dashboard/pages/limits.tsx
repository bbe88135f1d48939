import type { Limit } from '../parts/answers.js';
import { LimitForm } from '../parts/limit-form.js';
import { LimitInUse } from '../parts/limit-in-use.js';
import { useLook } from '../parts/live.js';
import { QueueLink, Shown, Text } from '../parts/small.js';

/** What bounds jobs over all processes, and who holds its permits. */
export function Limits() {
  const looked = useLook<{ limits: Limit[] }>('limits');
  return (
    <>
      <h1>Limits</h1>
      <Shown looked={looked}>
        {({ limits }) =>
          limits.length === 0 ? (
            <p class="quiet">
              No limit across the fleet is declared or set. A queue gets one on its own page.
            </p>
          ) : (
            limits.map((limit) => (
              <Found key={limit.name + (limit.perKey ? '/*' : '')} limit={limit} />
            ))
          )
        }
      </Shown>
    </>
  );
}

function Found({ limit }: { limit: Limit }) {
  const { name, ofQueue } = limit;
  return (
    <section>
      <h2>
        {ofQueue ? <QueueLink queue={name} /> : <Text>{name}</Text>}
        {limit.perKey && ': each key'}
      </h2>
      <LimitInUse limit={limit} />
      <LimitForm name={name} limit={limit} ofQueue={ofQueue} />
    </section>
  );
}
