import { JobResult } from '../job/job-result.js';
import type { Job } from '../job/job.js';
import { isError } from '../job/kinds.js';
import { Permit } from '../job/permit.js';
import { templateLabel, type AnyTemplate } from '../job/job-template.js';
import { outputText } from '../job/payload.js';
import { UnprocessableError } from '../job/queue.errors.js';
import { fitOf } from '../job/schema-fit.js';
import type { AnySchema } from '../job/standard-schema.js';
import type { QueueEventBus } from '../observability/events.js';
import type { CalledJob, Handler } from './handler-registry.js';
import { lastValue } from './last-value.js';

/**
 * A handler between the schemas of its template: it gets the parsed payload, and what it answers is looked at. Without schemas it is the
 * handler itself, so that a template of types costs nothing.
 */
export function templated(handler: Handler, events: QueueEventBus): Handler {
  const { template } = handler;
  if (!template?.payload && !template?.output) return handler;
  const parse = payloadParser(template);
  const checkOutput = outputChecker(template, events);
  if (handler.options.batch)
    return { ...handler, ...parsedAlone(handler, parse), ...(checkOutput && { checkOutput }) };
  const { run, acquire } = handler;
  return {
    ...handler,
    run: async (job, context) => {
      await parse(job);
      const answer = await lastValue(await run(job, context));
      // What was completed in the handler's own transaction was looked at there.
      if (checkOutput && !(job as CalledJob).completed)
        await checkSuccess(answer, (output) => checkOutput(job, output));
      return answer;
    },
    ...(acquire && { acquire: (job: Job) => parse(job).then(() => acquire(job)) }),
    ...(checkOutput && { checkOutput }),
  };
}

/** Each job of a batch is parsed before the batch is put together: one that does not fit ends alone. The batch's executor looks at the outputs. */
function parsedAlone(
  { acquire }: Handler,
  parse: (job: Job) => Promise<void>,
): Pick<Handler, 'acquire'> {
  return { acquire: (job) => parse(job).then(() => (acquire ? acquire(job) : Permit.free)) };
}

/** Once a run, since a schema that transforms does not take its own answer. */
function payloadParser(template: AnyTemplate): (job: Job) => Promise<void> {
  const parsed = new WeakSet<Job>();
  return async (job) => {
    if (!template.payload || parsed.has(job)) return;
    const fit = await fitOf(template.payload, job.payload);
    if (fit.problem !== undefined) throw misfit(template, fit.problem);
    (job as CalledJob).takePayload(fit.value);
    parsed.add(job);
  };
}

/**
 * An output that does not fit is reported and stored as it is: the handler has done its work, and a failure would do it again. Whoever
 * reads the output through the template is told.
 */
function outputChecker(
  { output: schema }: AnyTemplate,
  events: QueueEventBus,
): Handler['checkOutput'] {
  if (!schema) return undefined;
  return async (job, output) => {
    const { text = 'null' } = outputText(output, Infinity);
    const problem = await problemOf(schema, JSON.parse(text));
    const { id, queue, name, attempt } = job;
    if (problem !== undefined)
      events.emit('outputInvalid', () => ({ id, queue, name, attempt, problem }));
  };
}

async function problemOf(schema: AnySchema, output: unknown): Promise<string | undefined> {
  try {
    return (await fitOf(schema, output)).problem;
  } catch {
    return 'the schema threw an error';
  }
}

export async function checkSuccess(
  answer: unknown,
  check: (output: unknown) => Promise<void>,
): Promise<void> {
  if (isError(answer)) return undefined;
  if (!(answer instanceof JobResult)) return check(answer);
  if (answer.verdict.kind === 'success') return check(answer.verdict.output);
}

function misfit(template: AnyTemplate, problem: string): UnprocessableError {
  return new UnprocessableError(
    `The stored payload does not fit the schema of ${templateLabel(template)}: ${problem}.`,
  );
}
