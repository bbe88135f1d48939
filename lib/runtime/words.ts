/** A few of many, so that a sentence stays readable. */
export function listed(names: readonly string[], most = 10): string {
  const more = names.length - most;
  return names.slice(0, most).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;

const UNITS: readonly [ms: number, name: string][] = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1_000, 'second'],
];

/** `3 hours`: one unit is enough to judge by. */
export function span(ms: number): string {
  const [size, name] = UNITS.find(([unit]) => ms >= 2 * unit) ?? [1, 'ms'];
  const count = Math.round(ms / size);
  return name === 'ms' ? `${count} ms` : counted(count, name);
}

/** Names of others (applications, transactions) may hold anything: one line of what can be seen. */
export function shown(text: string): string {
  return text.slice(0, 80).replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ');
}

/** Nobody's name makes lines of its own in a log; cut first, or half a character would be left over, which no jsonb takes. */
export const oneLine = (text: string, most: number): string =>
  text.slice(0, most).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ');

/** Whose jobs. */
export function laneText(lane: {
  queue: string | null;
  name: string | null;
  labels: readonly string[] | null;
}): string {
  const { queue, name, labels } = lane;
  const labelled = labels?.length ? ` with the labels ${labels.join(', ')}` : '';
  return `${name ? `"${name}" of ` : ''}queue "${queue}"${labelled}`;
}

/** A word of a command, as a shell takes it. */
export const shellWord = (word: string): string =>
  /^[\w.:/=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;

/** What people type in a project. `--no`: npx takes the installed command or none, and asks the registry for no package of this name, which is not ours. */
export const PROGRAM = 'npx --no simple-queue';

const USUAL_SCHEMA = 'simple_queue';

/** What each printed command has to repeat. */
export interface Called {
  schema: string;
  /** Of the command line: its other flags, as a shell takes them; never a secret. */
  calledWith?: string;
}

/** Of a command that asks no database. */
export const ANYWHERE: Called = { schema: USUAL_SCHEMA };

/** A name in a command, its last word: one that begins with a dash is no option. */
export const operand = (name: string): string[] => (name.startsWith('-') ? ['--', name] : [name]);

/** A command to be typed as it is; no other text names the program. */
export function command(words: readonly string[], { schema, calledWith = '' }: Called): string {
  const shared = (schema === USUAL_SCHEMA ? '' : ` --schema ${schema}`) + calledWith;
  const own = words.map((word) => ` ${shellWord(word)}`).join('');
  return PROGRAM + (words.includes('--') ? shared + own : own + shared);
}
