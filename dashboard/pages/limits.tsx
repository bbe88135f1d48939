import type { Limit } from '../parts/answers.js';
import { LimitForm, limitWords } from '../parts/limit-form.js';
import { useLook } from '../parts/live.js';
import { JobLink, QueueLink, Shown, Table, Text, When } from '../parts/small.js';
import { number } from '../parts/words.js';

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
  const { name, ofQueue, allotted, concurrency, restsUntil } = limit;
  const holders = limit.shares.filter(({ permits }) => permits > 0);
  return (
    <section>
      <h2>
        {ofQueue ? <QueueLink queue={name} /> : <Text>{name}</Text>}
        {limit.perKey && ': each key'}
      </h2>
      <p>
        {limitWords(limit)}{' '}
        {concurrency !== undefined && !limit.perKey && (
          <>
            <meter min={0} max={concurrency} value={allotted} aria-label="Permits given out" />{' '}
            {number(allotted)} of {number(concurrency)} given out.
          </>
        )}{' '}
        {restsUntil && (
          <span class="warn">
            Somebody was told to slow down: nothing starts, <When at={restsUntil} /> it goes on.
          </span>
        )}
      </p>
      {holders.length > 0 && (
        <Table
          label={`Holders of ${name}`}
          heads={[
            'holder',
            { head: 'permits', right: true },
            { head: 'wants', right: true },
            'jobs',
          ]}
        >
          {holders.map((share) => (
            <tr key={share.holder}>
              <th scope="row">
                <Text>{share.holder}</Text>
                {!share.live && <span class="bad"> silent</span>}
              </th>
              <td class="right">{number(share.permits)}</td>
              <td class="right">{number(share.wanted)}</td>
              <td>
                {share.jobs.slice(0, 3).map((id) => (
                  <span key={id}>
                    <JobLink id={id} />{' '}
                  </span>
                ))}
              </td>
            </tr>
          ))}
        </Table>
      )}
      <LimitForm name={name} limit={limit} ofQueue={ofQueue} />
    </section>
  );
}
