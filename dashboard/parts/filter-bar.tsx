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

const FIELDS: [name: string, label: string][] = [
  ['queue', 'Queue'],
  ['name', 'Name'],
  ['uniqueKey', 'Unique key'],
  ['fingerprint', 'Fingerprint'],
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
      {FIELDS.map(([name, label]) => (
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
      <button type="submit">Show</button>
    </form>
  );
}
