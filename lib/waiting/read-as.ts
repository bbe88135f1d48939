import type { JobEnd, WaitOptions, WaitTime } from '../job/job-end.js';
import type { FoundJob } from '../job/job.js';
import { isTemplate, templateLabel, type AnyTemplate, type TemplateOf } from '../job/job-template.js';
import { QueueError } from '../job/queue.errors.js';
import { fitOf } from '../job/schema-fit.js';
import type { AnySchema } from '../job/standard-schema.js';
import { aborted } from './waiter.js';

const DAY_MS = 24 * 60 * 60 * 1_000;

/** Checks what a caller gave before anything is written or waited for. */
export function checkWait<Output>({
  as,
  timeoutMs,
  signal,
  ...others
}: WaitOptions<Output>): WaitTime & { as?: TemplateOf<unknown, Output> } {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid(`wait: unknown option "${unknown.slice(0, 60)}"; there are timeoutMs, signal and as`);
  if (timeoutMs !== undefined && !(Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= DAY_MS))
    throw invalid(`wait: timeoutMs must be a whole number from 1 to ${DAY_MS}, not ${String(timeoutMs)}`);
  if (signal !== undefined && typeof signal?.addEventListener !== 'function')
    throw invalid('wait: signal must be an AbortSignal');
  if (signal?.aborted) throw aborted(undefined, signal);
  return { timeoutMs, signal, ...(as !== undefined && { as: checkTemplate(as) }) };
}

/** The end with its output as the template's schema makes it. */
export async function endAs<Output>(template: TemplateOf<unknown, Output> | undefined, end: JobEnd): Promise<JobEnd<Output>> {
  if (!template?.output || end.state !== 'succeeded') return end as JobEnd<Output>;
  const output = (await parsed(template, template.output, { what: 'output', id: end.id, value: end.output ?? null })) as Output;
  return { ...end, output };
}

/** The job with payload and output as the template's schemas make them. */
export async function foundAs(template: AnyTemplate, found: FoundJob): Promise<FoundJob> {
  const { payload, output, queue, name } = checkTemplate(template);
  const { id } = found;
  if (found.queue !== queue || found.name !== name)
    throw invalid(`find: job ${id} is one of ${templateLabel(found)}, not of the template ${templateLabel(template)}`);
  const read = { ...found };
  if (payload) read.payload = await parsed(template, payload, { what: 'payload', id, value: found.payload });
  if (output && found.state === 'succeeded')
    read.output = await parsed(template, output, { what: 'output', id, value: found.output ?? null });
  return read;
}

interface Stored {
  what: 'payload' | 'output';
  id: string;
  value: unknown;
}

async function parsed(template: AnyTemplate, schema: AnySchema, { what, id, value }: Stored): Promise<unknown> {
  const fit = await fitOf(schema, value);
  if (fit.problem === undefined) return fit.value;
  throw new QueueError(
    what === 'output' ? 'INVALID_OUTPUT' : 'INVALID_PAYLOAD',
    `The stored ${what} of job ${id} does not fit the schema of ${templateLabel(template)}: ${fit.problem}. Read it without \`as\` to see it.`,
  );
}

function checkTemplate<Template extends AnyTemplate>(as: Template): Template {
  if (isTemplate(as)) return as;
  throw invalid('`as` must be a template made by defineJob');
}

const invalid = (problem: string): QueueError => new QueueError('INVALID_OPTION', `${problem}.`);
