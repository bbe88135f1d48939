import type { TroubleTold } from './answers.js';
import { Copy } from './copy.js';
import { to } from './address.js';
import { Linked } from './small.js';

const LEVELS = { critical: '✕', warning: '▲', notice: '•' };

/** A command as a shell takes it apart: of a trouble's, each word is as it is or in single quotes. */
const wordsOf = (command: string): string[] =>
  [...command.matchAll(/(?:'[^']*'|\\'|[^\s'\\])+/g)].map(([word]) =>
    word.replace(/'([^']*)'|\\'/g, (_, quoted?: string) => quoted ?? "'"),
  );

/** What follows a flag. */
const flagOf = (words: string[], flag: string): string | undefined =>
  words.includes(flag) ? words[words.indexOf(flag) + 1] : undefined;

/** Where a trouble can be seen, and put right: where its command on the command line looks. */
function placeOf({ code, look, queue = '' }: TroubleTold): string | undefined {
  const said = wordsOf(look);
  const [what = '', ...words] = said.slice(said.indexOf('simple-queue') + 1);
  switch (what) {
    case 'jobs':
      return to('jobs', { queue, state: flagOf(words, '--state') });
    case 'job':
    case 'explain':
    case 'workflow':
      return to(what === 'workflow' ? what : 'job', { id: words[0] });
    case 'workflows':
    case 'limits':
    case 'workers':
      return to(what, { state: flagOf(words, '--state') });
    case 'schedules':
      return to('schedule', { name: words[1] });
    case 'doctor':
      return code === 'WORKER_FAILING' ? to('workers') : undefined;
    default:
      return queue ? to('queue', { queue }) : undefined;
  }
}

/** What waits for a person, the worst first. */
export function Troubles({ troubles }: { troubles: TroubleTold[] | undefined }) {
  if (!troubles)
    return <p class="notice bad-notice">What waits for a person could not be read in time.</p>;
  if (troubles.length === 0)
    return (
      <p class="notice good-notice">
        <span aria-hidden="true">✓</span> Nothing waits for a person.
      </p>
    );
  return (
    <ul class="troubles">
      {troubles.map((trouble) => (
        <Trouble key={trouble.code + trouble.text} trouble={trouble} />
      ))}
    </ul>
  );
}

function Trouble({ trouble }: { trouble: TroubleTold }) {
  const { code, level, text, hint, fix } = trouble;
  const place = placeOf(trouble);
  return (
    <li class={level}>
      <strong>
        <span aria-hidden="true">{LEVELS[level]}</span> {level}
      </strong>
      <div>
        <Linked ids={/WORKFLOWS$/.test(code) ? 'workflow' : 'job'}>{text}</Linked>{' '}
        {place && <a href={place}>Show</a>}
        {(hint || fix) && (
          <p class="quiet">
            {hint} {fix && <Copy text={fix} />}
          </p>
        )}
      </div>
    </li>
  );
}
