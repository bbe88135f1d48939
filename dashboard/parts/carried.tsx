import { useState } from 'preact/hooks';
import type { Carried } from './answers.js';
import { act, may } from './acting.js';
import { prettyJson } from './json-text.js';
import { number } from './words.js';

/** A browser lays out more only when somebody wants it. */
const MOST_SHOWN = 20_000;

/** What a job carries, as text and nothing else; folded where it is long. */
export function CarriedJson({ carried, name }: { carried: Carried | undefined; name: string }) {
  const [all, setAll] = useState(false);
  if (!carried) return <p class="quiet">Not shown here.</p>;
  const { text, cutFrom } = carried;
  const shown = prettyJson(text, all ? Infinity : MOST_SHOWN);
  const isFolded = !all && shown.length >= MOST_SHOWN;
  return (
    <>
      <pre tabIndex={0} aria-label={name}>
        {shown}
      </pre>
      <p class="quiet">
        {number(cutFrom ?? text.length)} characters
        {cutFrom !== undefined && `, of which ${number(text.length)} are here`}.{' '}
        {isFolded && (
          <button type="button" class="link" onClick={() => setAll(true)}>
            Show all
          </button>
        )}
      </p>
    </>
  );
}

/** Another payload for a job that waits, or that has failed. */
export function PayloadEditor({ id, payload }: { id: string; payload: Carried | undefined }) {
  const [text, setText] = useState<string>();
  const [seen, setSeen] = useState('');
  const [problem, setProblem] = useState('');
  if (!may('change') || !payload) return null;
  if (text === undefined)
    return (
      <button
        type="button"
        onClick={() => {
          setText(prettyJson(payload.text));
          setSeen(payload.digest);
        }}
      >
        Edit payload
      </button>
    );
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      JSON.parse(text);
    } catch {
      return setProblem('This is not JSON.');
    }
    if (await act('change', { id, payloadText: text, seen }, 'The payload is changed.'))
      setText(undefined);
  };
  return (
    <form onSubmit={(event) => void save(event)}>
      <label>
        New payload, as JSON
        <textarea
          rows={10}
          value={text}
          spellcheck={false}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      {problem && (
        <p class="bad" role="alert">
          {problem}
        </p>
      )}
      <div class="buttons">
        <button type="submit">Save</button>
        <button type="button" onClick={() => setText(undefined)}>
          Leave it
        </button>
      </div>
    </form>
  );
}
