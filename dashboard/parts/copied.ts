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
  return `await queues.enqueue('${job.queue}', ${job.payload.text}${said === '{}' ? '' : `, ${said}`});`;
}

/** Without `--no` npx would fetch another package of this name where ours is not installed. */
export function enqueueCommand({ job, settings }: JobAnswer): string {
  const { labels = [], headers = {}, maxAttempts, ...plain } = saidOf(job);
  const flags: [string, string | number][] = [
    ...Object.entries(plain),
    ...labels.map((label): [string, string] => ['label', label]),
    ...Object.entries(headers).map(([name, value]): [string, string] => [
      'header',
      `${name}=${value}`,
    ]),
    ...(maxAttempts ? ([['max-attempts', maxAttempts]] as [string, number][]) : []),
  ];
  const ofQueue = settings.filter(({ name, value }) => /^(ordered|fair)$/.test(name) && value);
  return [
    `npx --no simple-queue enqueue ${job.queue} ${quoted(job.payload.text)}`,
    ...flags.map(([name, value]) => `--${name}=${quoted(String(value))}`),
    ...ofQueue.map(({ name }) => `--${name}-queue`),
  ].join(' ');
}

export const leftOut = ({ group }: JobAnswer['job']): string =>
  `Copied. It does not have the unique key, fingerprint, timeout and times of the job${group ? ', nor whether its group is ordered' : ''}.`;

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
