import type { PageProps } from '../pages.js';
import { go, to } from '../parts/address.js';
import type { ErrorRow, ErrorsAnswer } from '../parts/answers.js';
import { Many } from '../parts/by-filter.js';
import { useLook } from '../parts/live.js';
import { Count, JobLink, QueueLink, Shown, Table, Text, When } from '../parts/small.js';
import { errorWords, number } from '../parts/words.js';

/** What failed, a row per fault: what fails now comes first. */
export function Errors({ said: { queue = '' } }: PageProps) {
  const looked = useLook<ErrorsAnswer>('errors', { queue });
  return (
    <>
      <h1>Errors</h1>
      <form
        class="row-form"
        key={queue}
        onSubmit={(event) => {
          event.preventDefault();
          const field = event.currentTarget.elements.namedItem('queue') as HTMLInputElement;
          go('errors', { queue: field.value.trim() });
        }}
      >
        <label>
          Queue <input name="queue" defaultValue={queue} autoComplete="off" />
        </label>
        <button type="submit">Show</button>
      </form>
      <Shown looked={looked}>
        {({ errors }) =>
          errors.length === 0 ? (
            <p class="notice good-notice">
              <span aria-hidden="true">✓</span> Nothing has failed.
            </p>
          ) : (
            <Table
              label="Errors"
              heads={[
                { head: 'dead letters', right: true },
                { head: 'fails now', right: true },
                'error',
                'first',
                'last',
                'such as',
                'do',
              ]}
            >
              {errors.map((error) => (
                <Row key={error.key} error={error} />
              ))}
            </Table>
          )
        }
      </Shown>
    </>
  );
}

function Row({ error: row }: { error: ErrorRow }) {
  const { key, deadLetters, failing, firstAt, lastAt, example } = row;
  const { id, queue } = example;
  return (
    <tr data-row>
      <td class="right">
        <Count of={deadLetters} href={to('jobs', { q: `error-key:${key}` })} bad />
      </td>
      <td class="right">{failing === 0 ? <span class="none">0</span> : number(failing)}</td>
      <th scope="row" class="error">
        <Text>{errorWords(row)}</Text>
      </th>
      <td>{firstAt && <When at={firstAt} />}</td>
      <td>{lastAt && <When at={lastAt} />}</td>
      <td>
        <JobLink id={id} /> in <QueueLink queue={queue} />
      </td>
      <td>
        {deadLetters.jobs > 0 && (
          <span class="buttons">
            <Many kind="redrive" filter={{ errorKey: key }} label="Run again…" />
            <Many kind="purge" filter={{ errorKey: key }} label="Delete…" />
          </span>
        )}
      </td>
    </tr>
  );
}
