import type { TroubleTold } from './answers.js';
import { Copy } from './copy.js';
import { to } from './address.js';
import { Text } from './small.js';

const LEVELS = { critical: '✕', warning: '▲', notice: '•' };

/** Where a trouble can be seen, and put right. */
function placeOf({ code, queue = '' }: TroubleTold): string | undefined {
  switch (code) {
    case 'DEAD_LETTERS':
      return to('jobs', { queue, state: 'failed,unprocessable,critical' });
    case 'POISONED_JOBS':
    case 'UNREADABLE_JOBS':
      return to('jobs', { queue, state: 'poisoned' });
    case 'LOST_JOBS':
      return to('jobs', { queue, state: 'lost' });
    case 'STAGED_JOBS':
    case 'EXPIRY_LATE':
      return to('jobs', { queue, state: 'staged' });
    case 'WORKER_SILENT':
    case 'NO_WORKER':
      return to('workers');
    default:
      return queue ? to('queue', { queue }) : undefined;
  }
}

/** What waits for a person, the worst first. */
export function Troubles({ troubles }: { troubles: TroubleTold[] }) {
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
  const { level, text, hint, fix } = trouble;
  const place = placeOf(trouble);
  return (
    <li class={level}>
      <strong>
        <span aria-hidden="true">{LEVELS[level]}</span> {level}
      </strong>
      <div>
        <Text>{text}</Text> {place && <a href={place}>Show</a>}
        {(hint || fix) && (
          <p class="quiet">
            {hint} {fix && <Copy text={fix} />}
          </p>
        )}
      </div>
    </li>
  );
}
