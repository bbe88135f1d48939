import { Cron } from 'croner';
import { quote } from '../../job/names.js';
import { QueueError } from '../../job/queue.errors.js';

/** What a person writes has some twenty characters; a list of every second has 170. Longer ones are refused before they are read. */
const MAX_CHARACTERS = 400;
const FIELD = /^[0-9A-Za-z*?,/#-]{1,200}$/;
/** No field has a larger number than 59: `1--100000000` is not walked, and not described. */
const LARGE_NUMBER = /\d{3}/;

const NICKNAMES: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
]);

/** A cron pattern as a list of readings of a clock on the wall, whatever zone it hangs in. */
export class Pattern {
  /** Hours and minutes are named one by one: such a time belongs to a day, and a change of the clocks must neither lose nor double it. */
  readonly isFixed: boolean;
  private readonly cron: Cron;

  /** @throws QueueError `SCHEDULE_PATTERN_INVALID` */
  constructor(text: string) {
    const fields = fieldsOf(text);
    const [minute, hour] = fields.slice(-5) as [string, string];
    this.isFixed = !/[*?/]/.test(minute + hour);
    try {
      this.cron = new Cron(fields.join(' '), { utcOffset: 0, paused: true, mode: '5-or-6-parts' });
    } catch (error) {
      throw invalid(
        text,
        (error as Error).message.replace(/^CronPattern: /, '').replace(/\.$/, ''),
        error,
      );
    }
  }

  /** The first reading after this one, both as if the clock on the wall were in UTC; undefined: there is none. */
  nextReading(after: number): number | undefined {
    return this.cron.nextRun(new Date(after))?.getTime();
  }
}

function fieldsOf(text: unknown): string[] {
  if (typeof text !== 'string') throw invalid(text, 'it must be a text');
  if (text.length > MAX_CHARACTERS)
    throw invalid(text, `it has more than ${MAX_CHARACTERS} characters`);
  const trimmed = text.trim();
  if (trimmed.startsWith('@')) return nickname(trimmed).split(' ');
  const fields = trimmed.split(/\s+/);
  if (fields.length !== 5 && fields.length !== 6)
    throw invalid(
      text,
      'it must have five fields (minute, hour, day, month, weekday), or six with the seconds in front',
    );
  for (const field of fields) {
    if (!FIELD.test(field)) throw invalid(text, `${quote(field)} is no field of a cron pattern`);
    if (LARGE_NUMBER.test(field)) throw invalid(text, `${quote(field)} has a number above 59`);
  }
  return fields;
}

function nickname(text: string): string {
  const fields = NICKNAMES.get(text.toLowerCase());
  if (fields) return fields;
  throw invalid(
    text,
    `the words with an @ are ${[...NICKNAMES.keys()].join(', ')}; for "every 15 minutes" give everyMs`,
  );
}

function invalid(text: unknown, problem: string, cause?: unknown): QueueError {
  return new QueueError(
    'SCHEDULE_PATTERN_INVALID',
    `The cron pattern ${quote(text)} cannot be used: ${problem}.`,
    { cause },
  );
}
