import { go } from './address.js';
import { useLook } from './live.js';
import type { OverviewAnswer } from './answers.js';

const STATES: [value: string, label: string][] = [
  ['', 'any'],
  ['ready', 'ready'],
  ['scheduled', 'scheduled'],
  ['running', 'running'],
  ['blocked', 'blocked'],
  ['staged', 'staged'],
  ['failed,unprocessable,critical,poisoned', 'failed, in all ways'],
  ['failed', 'failed'],
  ['unprocessable', 'unprocessable'],
  ['critical', 'critical'],
  ['poisoned', 'poisoned'],
  ['succeeded', 'succeeded'],
  ['cancelled', 'cancelled'],
  ['expired', 'expired'],
  ['lost', 'lost'],
];

/** Not `always`: the search has a word for it, and a link may have brought it. */
const FIELDS: [name: string, label: string, always: boolean][] = [
  ['queue', 'Queue', true],
  ['name', 'Name', true],
  ['uniqueKey', 'Unique key', false],
  ['fingerprint', 'Fingerprint', false],
];

/** Which jobs: every part of the filter in a field of its own, and all of it in the address. */
export function FilterBar({ filter }: { filter: Record<string, string> }) {
  const { answer } = useLook<OverviewAnswer>('overview');
  const apply = (event: Event): void => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    go(
      'jobs',
      Object.fromEntries([...data].map(([name, value]) => [name, (value as string).trim()])),
    );
  };
  const { state = '' } = filter;
  const states = STATES.some(([value]) => value === state) ? STATES : [...STATES, [state, state]];
  const { q = '' } = filter;
  return (
    <form class="row-form" key={JSON.stringify(filter)} onSubmit={apply} onChange={apply}>
      <label>
        State{' '}
        <select name="state" defaultValue={state}>
          {states.map(([value, label]) => (
            <option key={value} value={value} selected={value === state}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {FIELDS.filter(([name, , always]) => always || filter[name]).map(([name, label]) => (
        <label key={name}>
          {label}{' '}
          <input
            name={name}
            defaultValue={filter[name] ?? ''}
            autoComplete="off"
            list={name === 'queue' ? 'queue-names' : undefined}
          />
        </label>
      ))}
      <datalist id="queue-names">
        {answer?.queues.slice(0, 500).map(({ queue }) => (
          <option key={queue} value={queue} />
        ))}
      </datalist>
      <label class="wide">
        Search{' '}
        <input
          name="q"
          defaultValue={q}
          placeholder="state:dead error:timeout since:2h attempt:>2 payload.order.id:42"
          title="queue: name: state: key: tag: group: workflow: schedule: worker: error: since: attempt: payload.<path>: output.<path>:"
          autoComplete="off"
          spellcheck={false}
        />
      </label>
      <button type="submit">Show</button>
    </form>
  );
}
