import { isTemplate, templateLabel, type JobTarget } from '../job/job-template.js';
import type { FoundJob } from '../job/job.js';
import { quote } from '../job/names.js';
import type { ExpectedJob } from './expected-job.js';

/** In a message. */
export const MOST_LINES = 20;
const MOST_LETTERS = 500;

/** What was looked for. */
export const wantedIn = (target: JobTarget, expected: ExpectedJob): string =>
  `${isTemplate(target) ? quote(templateLabel(target)) : quote(target)} with ${quoteNumber(expected)}`;

/** What was enqueued, a line each, the newest last. */
export function listed(jobs: readonly FoundJob[]): string {
  const lines = jobs
    .slice(-MOST_LINES)
    .map((job) => `  ${templateLabel(job)} ${quoteNumber(job.payload)} (${job.state})`);
  return lines.join('\n') || '  nothing';
}

/** JSON, but for what JSON cannot say. */
function quoteNumber(value: unknown): string {
  const text =
    JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)) ??
    'undefined';
  return text.length > MOST_LETTERS ? `${text.slice(0, MOST_LETTERS)}...` : text;
}
