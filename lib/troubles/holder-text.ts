import { counted, shown, span } from '../runtime/words.js';
import type { SnapshotHolder } from '../storage/diagnosis/diagnosis.js';

/** Never the statement itself: it holds values. */
export function holderText(holder: SnapshotHolder): string {
  const { pid, role, application, state, verb, transactions, openMs } = holder;
  const who = [
    application && `application "${shown(application)}"`,
    role && `role "${shown(role)}"`,
  ]
    .filter(Boolean)
    .join(', ');
  const what = [state, verb && `last statement: ${shown(verb)}`].filter(Boolean).join(', ');
  const since =
    openMs === null ? `for ${counted(transactions, 'transaction')}` : `for ${span(openMs)}`;
  return `Process ${pid} (${who || 'unknown'}) has a transaction open ${since}${what ? ` (${what})` : ''}.`;
}
