import type { Limit } from './answers.js';
import { limitWords } from './limit-form.js';
import { JobLink, Table, Text, When } from './small.js';
import { number } from './words.js';

/** Of a holder's jobs. */
const MOST_JOBS = 3;

/** What a limit says, how much of it is given out, and to whom. */
export function LimitInUse({ limit }: { limit: Limit | undefined }) {
  const { allotted = 0, concurrency, perKey, restsUntil } = limit ?? {};
  return (
    <>
      <p>
        {limitWords(limit)}{' '}
        {concurrency !== undefined && !perKey && (
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
      {limit && <Holders limit={limit} />}
    </>
  );
}

function Holders({ limit: { name, shares } }: { limit: Limit }) {
  const holders = shares.filter(({ permits }) => permits > 0);
  if (holders.length === 0) return null;
  return (
    <Table
      label={`Holders of ${name}`}
      heads={['holder', { head: 'permits', right: true }, { head: 'wants', right: true }, 'jobs']}
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
            {share.jobs.slice(0, MOST_JOBS).map((id) => (
              <span key={id}>
                <JobLink id={id} />{' '}
              </span>
            ))}
          </td>
        </tr>
      ))}
    </Table>
  );
}
