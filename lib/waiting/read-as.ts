import type { JobEnd, WaitOptions, WaitTime } from '../job/job-end.js';
import type { FoundJob } from '../job/job.js';
import {
  isTemplate,
  templateLabel,
  type AnyTemplate,
  type TemplateOf,
} from '../job/job-template.js';
import { QueueError } from '../job/queue.errors.js';
import { fitOf } from '../job/values/schema-fit.js';
import type { AnySchema } from '../job/values/standard-schema.js';
import { callable, must, shape } from '../runtime/rules.js';
import { abortedBefore, type CheckedTime } from './waiter.js';
import { DAY_MS, msOf } from '../job/values/duration.js';
import { duration } from '../options/handler-rules.js';

const DEFAULT_TIMEOUT_MS = 30_000;

/** Checks what a caller gave before anything is written or waited for. */
export function checkWait<Output>(
  options: WaitOptions<Output>,
): CheckedTime & { as?: TemplateOf<unknown, Output> } {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const checked = { ...options, timeoutMs: msOf(timeoutMs) };
  const problems = waitOptions(checked, '');
  if (problems.length > 0) throw invalid(`wait: ${problems.join('; ')}`);
  return checked;
}

/** The same for a job that is not stored yet: whoever has lost interest already stores nothing. */
export function checkTime(time: WaitTime): CheckedTime {
  const checked = checkWait(time);
  if (checked.signal?.aborted) throw abortedBefore(checked.signal);
  return checked;
}

const template = must(isTemplate, 'a template made by defineJob');
const abortSignal = must(
  (value) => typeof (value as Partial<AbortSignal> | null)?.addEventListener === 'function',
  'an AbortSignal',
);

const waitOptions = shape({
  timeoutMs: duration(1, DAY_MS),
  signal: abortSignal,
  onProgress: callable,
  as: template,
});

/** The end with its output as the template's schema makes it. */
export async function endAs<Output>(
  as: TemplateOf<unknown, Output> | undefined,
  end: JobEnd,
): Promise<JobEnd<Output>> {
  if (!as?.output || end.state !== 'succeeded') return end as JobEnd<Output>;
  const output = (await parsed(as, as.output, {
    what: 'output',
    id: end.id,
    value: end.output ?? null,
  })) as Output;
  return { ...end, output };
}

/** The job with payload and output as the template's schemas make them. */
export async function foundAs(as: AnyTemplate, found: FoundJob): Promise<FoundJob> {
  const problems = template(as, 'as');
  if (problems.length > 0) throw invalid(`find: ${problems.join('; ')}`);
  const { payload, output, queue, name } = as;
  const { id } = found;
  if (found.queue !== queue || found.name !== name)
    throw invalid(
      `find: job ${id} is one of ${templateLabel(found)}, not of the template ${templateLabel(as)}`,
    );
  const read = { ...found };
  if (payload)
    read.payload = await parsed(as, payload, { what: 'payload', id, value: found.payload });
  if (output && found.state === 'succeeded')
    read.output = await parsed(as, output, { what: 'output', id, value: found.output ?? null });
  return read;
}

interface Stored {
  what: 'payload' | 'output';
  id: string;
  value: unknown;
}

async function parsed(
  as: AnyTemplate,
  schema: AnySchema,
  { what, id, value }: Stored,
): Promise<unknown> {
  const fit = await fitOf(schema, value);
  if (fit.problem === undefined) return fit.value;
  throw new QueueError(
    what === 'output' ? 'INVALID_OUTPUT' : 'INVALID_PAYLOAD',
    `The stored ${what} of job ${id} does not fit the schema of ${templateLabel(as)}: ${fit.problem}. Read it without \`as\` to see it.`,
  );
}

const invalid = (problem: string): QueueError => new QueueError('INVALID_OPTION', `${problem}.`);
