import { MOST_COUNTED } from '../job/trouble.js';
import { counted, span } from '../runtime/words.js';
import type { TroubleRow } from '../storage/diagnosis/trouble.repository.js';
import { holderText } from './holder-text.js';

export const many = ({ count }: TroubleRow, one: string, more?: string): string =>
  count > MOST_COUNTED
    ? `more than ${counted(MOST_COUNTED, one, more)}`
    : counted(count, one, more);
export const jobs = (row: TroubleRow): string => many(row, 'job');
export const wait = (row: TroubleRow): string =>
  `${jobs(row)} ${row.count === 1 ? 'waits' : 'wait'}`;
export const lasting = ({ sinceMs }: TroubleRow): string =>
  sinceMs === null ? '' : ` for ${span(Math.max(0, sinceMs))}`;
export const keeperText = ({ holder, extra }: TroubleRow): string =>
  holder ? holderText(holder) : `Process ${extra} has a transaction open.`;
export const queueOf = ({ queue }: TroubleRow): string => queue ?? '';
export const named = (row: TroubleRow): string => `queue "${queueOf(row)}"`;
/** Their names may hold anything. */
export const schedulesOf = ({ subject }: TroubleRow): string[] =>
  subject ? (JSON.parse(subject) as string[]) : [];
