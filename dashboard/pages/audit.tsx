import type { PageProps } from '../pages.js';
import { go, to } from '../parts/address.js';
import type { Act, AuditAnswer } from '../parts/answers.js';
import { useLook } from '../parts/live.js';
import { JobLink, QueueLink, Shown, Table, Text, When } from '../parts/small.js';
import { number } from '../parts/words.js';

const FIELDS: [name: string, label: string][] = [
  ['actor', 'Who'],
  ['action', 'Did'],
  ['queue', 'Queue'],
];

/** Who did what, the newest first. */
export function Audit({ said }: PageProps) {
  const { actor, action, queue, after } = said;
  const looked = useLook<AuditAnswer>('audit', { actor, action, queue, after });
  return (
    <>
      <h1>Audit</h1>
      <Filter said={said} />
      <Shown looked={looked}>
        {({ acts, next }) => (
          <>
            {acts.length === 0 ? (
              <p class="quiet">Nobody did such a thing.</p>
            ) : (
              <Table label="Acts" heads={['when', 'who', 'did', 'to what', 'outcome']}>
                {acts.map((one) => (
                  <Row key={one.id} act={one} />
                ))}
              </Table>
            )}
            {next && <a href={to('audit', { ...said, after: next })}>More</a>}
          </>
        )}
      </Shown>
    </>
  );
}

function Filter({ said }: PageProps) {
  const apply = (event: Event): void => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    const said = [...data].map(([name, value]): [string, string] => [
      name,
      (value as string).trim(),
    ]);
    go('audit', Object.fromEntries(said));
  };
  return (
    <form class="row-form" key={JSON.stringify(said)} onSubmit={apply} onChange={apply}>
      {FIELDS.map(([name, label]) => (
        <label key={name}>
          {label} <input name={name} defaultValue={said[name] ?? ''} autoComplete="off" />
        </label>
      ))}
      <button type="submit">Show</button>
    </form>
  );
}

function Row({ act: { at, actor, action, selector, ...outcome } }: { act: Act }) {
  return (
    <tr data-row>
      <th scope="row">
        <When at={at} />
      </th>
      <td>
        <a href={to('audit', { actor })}>
          <Text>{actor}</Text>
        </a>
      </td>
      <td>
        <a href={to('audit', { action })}>
          <Text>{action}</Text>
        </a>
      </td>
      <td class="error">
        <Subject of={selector} />
      </td>
      <td>
        <Outcome of={outcome} />
      </td>
    </tr>
  );
}

/** Jobs and queues lead to themselves. */
function Subject({ of }: { of: Record<string, unknown> }) {
  const ids = [of.id ?? of.ids ?? []].flat() as string[];
  const rest = Object.entries(of).filter(([name]) => !['queue', 'id', 'ids'].includes(name));
  return (
    <>
      {typeof of.queue === 'string' && <QueueLink queue={of.queue} />}{' '}
      {ids.map((id) => (
        <span key={id}>{/^[0-9a-f-]{36}$/.test(id) ? <JobLink id={id} /> : id} </span>
      ))}
      {rest.length > 0 && <Text>{rest.map(wordsOf).join(', ')}</Text>}
    </>
  );
}

const wordsOf = ([name, value]: [string, unknown]): string =>
  `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`;

function Outcome({
  of: { counts = {}, failed, endedAt },
}: {
  of: Pick<Act, 'counts' | 'failed' | 'endedAt'>;
}) {
  if (failed) return <span class="bad">✕ {failed}</span>;
  if (!endedAt) return <span class="warn">no end known</span>;
  const counted = Object.entries(counts).map(([name, value]) => `${name} ${number(value)}`);
  return <span class="good">✓ {counted.join(', ') || 'done'}</span>;
}
