import type { Limit } from './answers.js';
import { act, Do, may } from './acting.js';
import { span } from './words.js';

/** What a limit says, in a sentence. */
export function limitWords(limit: Limit | undefined): string {
  if (!limit) return 'None: each worker runs as many at once as its concurrency says.';
  const { concurrency, rate, perKey } = limit;
  const each = perKey ? ' of each key' : '';
  const parts = [
    concurrency === undefined ? '' : `at most ${concurrency}${each} at once over all processes`,
    rate
      ? `at most ${rate.limit} starts${each} per ${span(rate.perMs)}${rate.strict ? ', strictly' : ''}`
      : '',
  ].filter((part) => part !== '');
  const said = limit.setAt ? ' Set by an operator: it overrules what processes declare.' : '';
  return `${parts.join('; ') || 'Nothing is limited'}.${said}`;
}

/** Sets a limit, or gives it back to those who declare it. */
export function LimitForm({
  name,
  limit,
  ofQueue,
}: {
  name: string;
  limit: Limit | undefined;
  ofQueue: boolean;
}) {
  if (!may('limits')) return null;
  const perKey = limit?.perKey ?? false;
  const seen = limit?.digest ?? '';
  const said = { name, perKey, seen };
  const which = perKey ? `each key of ${name}` : name;
  const save = (event: SubmitEvent): void => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    const text = (field: string): string => {
      const value = data.get(field);
      return typeof value === 'string' ? value.trim() : '';
    };
    const [concurrency, starts, seconds] = [text('concurrency'), text('starts'), text('seconds')];
    const isWhole = ofQueue && !perKey;
    const said = {
      [isWhole ? 'fleetConcurrency' : 'concurrency']: concurrency ? Number(concurrency) : null,
      rate: starts ? { limit: Number(starts), perMs: Number(seconds || '1') * 1_000 } : null,
    };
    const change = perKey ? { perKey: said } : said;
    void act('set-limit', { name, change, seen }, `The limit of ${which} is set.`);
  };
  const { concurrency, rate } = limit ?? {};
  return (
    <form class="row-form" key={JSON.stringify([concurrency, rate])} onSubmit={save}>
      <label>
        At once{' '}
        <input
          name="concurrency"
          type="number"
          min="1"
          placeholder="any"
          defaultValue={concurrency}
        />
      </label>
      <label>
        Starts{' '}
        <input name="starts" type="number" min="1" placeholder="any" defaultValue={rate?.limit} />
      </label>
      <label>
        per seconds{' '}
        <input
          name="seconds"
          type="number"
          min="0.001"
          step="any"
          placeholder="1"
          defaultValue={rate && rate.perMs / 1_000}
        />
      </label>
      <button type="submit">Set</button>
      {limit?.setAt && (
        <Do
          may="limits"
          work={() => act('reset-limit', said, `What processes declare of ${which} holds again.`)}
        >
          Give back to the code
        </Do>
      )}
      {limit?.restsUntil && (
        <Do
          may="limits"
          work={() => act('reset-limit', { ...said, rest: true }, `${which} rests no more.`)}
        >
          End the rest
        </Do>
      )}
      {limit?.undeclared && (
        <Do
          may="limits"
          work={() => act('remove-limit', said, `The limit of ${which} is removed.`)}
        >
          Remove
        </Do>
      )}
    </form>
  );
}
