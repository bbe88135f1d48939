import type { JobAnswer } from './answers.js';

/** What of a job its copy says as well. */
function saidOf({ name, group, priority, labels, headers, maxAttempts }: JobAnswer['job']) {
  return {
    ...(name && { name }),
    ...(group && { group }),
    ...(priority && { priority }),
    ...(labels.length > 0 && { labels }),
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(maxAttempts && { maxAttempts }),
  };
}

export function enqueueCall({ job }: JobAnswer): string {
  const said = JSON.stringify(saidOf(job));
  return `await queues.enqueue('${job.queue}', ${literal(job.payload.text)}${said === '{}' ? '' : `, ${literal(said)}`});`;
}

const digitsOf = (number: string): string =>
  number.replace(/e.*/i, '').replace(/[-.]/g, '').replace(/^0+|0+$/g, ''); // prettier-ignore

/** JavaScript has all of its numbers: a literal keeps them. */
export const isExact = (json: string): boolean =>
  (json.replace(/"(?:[^"\\]+|\\.)*"/g, '').match(/\d[\d.eE+-]*/g) ?? []).every(
    (number) =>
      Number.isFinite(Number(number)) && digitsOf(number) === digitsOf(String(Number(number))),
  );

/** In a literal, a member of this name is none: it says what the object inherits. */
const literal = (json: string): string =>
  json.includes('"__proto__"') ? `JSON.parse(${JSON.stringify(json)})` : json;

/** No system takes a longer argument than 128 KiB. */
const MOST_BYTES = 100_000;

/** Without `--no` npx would fetch another package of this name where ours is not installed. */
export function enqueueCommand({ job, settings, isKeyless }: JobAnswer): string {
  const { labels = [], headers = {}, maxAttempts, ...plain } = saidOf(job);
  const flags: [string, string | number][] = [
    ...Object.entries(plain),
    ...labels.map((label): [string, string] => ['label', label]),
    ...Object.entries(headers).map(([name, value]): [string, string] => [
      'header',
      `${name}=${value}`,
    ]),
    ...(maxAttempts ? ([['max-attempts', maxAttempts]] as [string, number][]) : []),
    ...(job.limitKey ? ([['key', job.limitKey]] as [string, string][]) : []),
  ];
  const ofQueue = settings.filter(({ name, value }) => /^(ordered|fair)$/.test(name) && value);
  const payload = quoted(job.payload.text);
  const isLong = new TextEncoder().encode(payload).length > MOST_BYTES;
  return [
    `${isLong ? `printf %s ${payload} | ` : ''}npx --no simple-queue enqueue ${job.queue} ${isLong ? '-' : payload}`,
    ...flags.map(([name, value]) => `--${name}=${quoted(String(value))}`),
    ...ofQueue.map(({ name }) => `--${name}-queue`),
    ...(isKeyless ? ['--no-key'] : []),
  ].join(' ');
}

/** Of all jobs the same words, since it is not known here of each whether it has them. */
export const leftOut = ({ group }: JobAnswer['job']): string =>
  `Copied. It does not have the unique key, fingerprint, workflow, schedule, timeout, backoff and times of the job${group ? ', nor whether its group is ordered' : ''}, and waits for nothing (staged, dependsOn).`;

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
