import type { PageProps } from '../pages.js';
import { go, to } from '../parts/address.js';
import type { FlowRow, FlowsAnswer } from '../parts/answers.js';
import { useLook } from '../parts/live.js';
import { Shown, State, Table, Text, When } from '../parts/small.js';
import { number } from '../parts/words.js';

const STATES = 'running,compensating,stuck,succeeded,failed,compensated,cancelled'.split(',');

/** Every workflow, the newest first. */
export function Workflows({ said: { state = '', name, after } }: PageProps) {
  const looked = useLook<FlowsAnswer>('workflows', { state, name, after });
  const right = (head: string) => ({ head, right: true });
  const choose = (event: Event): void =>
    go('workflows', { state: (event.currentTarget as HTMLSelectElement).value });
  return (
    <>
      <h1>Workflows</h1>
      <form class="row-form">
        <label>
          State{' '}
          <select value={state} onChange={choose}>
            <option value="">any</option>
            {STATES.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
      </form>
      <Shown looked={looked}>
        {({ workflows, next }) => (
          <>
            {workflows.length === 0 ? (
              <p class="quiet">There is no such workflow.</p>
            ) : (
              <Table
                label="Workflows"
                heads={['workflow', 'state', right('jobs'), right('attempt'), 'started', 'ended']}
              >
                {workflows.map((flow) => (
                  <Row key={flow.id} flow={flow} />
                ))}
              </Table>
            )}
            {next && <a href={to('workflows', { state, name, after: next })}>More</a>}
          </>
        )}
      </Shown>
    </>
  );
}

function Row({ flow }: { flow: FlowRow }) {
  const { id, name, state, uniqueKey, jobs, attempt, createdAt, endedAt } = flow;
  return (
    <tr data-row>
      <th scope="row">
        <a href={to('workflow', { id })}>
          <Text>{name}</Text>
        </a>{' '}
        {uniqueKey && <Text>{uniqueKey}</Text>}
        <div class="id quiet">{id}</div>
      </th>
      <td>
        <State state={state} />
      </td>
      <td class="right">{number(jobs)}</td>
      <td class="right">{attempt}</td>
      <td>
        <When at={createdAt} />
      </td>
      <td>{endedAt && <When at={endedAt} />}</td>
    </tr>
  );
}
