import type { Job } from '../job/job.js';
import { Permit } from '../job/permit.js';
import { templateLabel, type AnyTemplate } from '../job/job-template.js';
import { UnprocessableError } from '../job/queue.errors.js';
import { fitOf, soon, type Soon } from '../job/values/schema-fit.js';
import type { AnySchema } from '../job/values/standard-schema.js';
import type { QueueEventBus } from '../observability/events.js';
import type { CalledJob, Handler } from './handler-registry.js';

/**
 * A handler between the schemas of its template: it gets the parsed payload, and what it returns is looked at. Without schemas it is the
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
    run: (job, context) => soon(parse(job), () => run(job, context)),
    ...(acquire && { acquire: async (job: Job) => soon(parse(job), () => acquire(job)) }),
    ...(checkOutput && { checkOutput }),
  };
}

/** Each job of a batch is parsed before the batch is put together: one that does not fit ends alone. The batch's executor looks at the outputs. */
function parsedAlone(
  { acquire }: Handler,
  parse: (job: Job) => Soon<void>,
): Pick<Handler, 'acquire'> {
  return { acquire: async (job) => soon(parse(job), () => (acquire ? acquire(job) : Permit.free)) };
}

/** Once a run, since a schema that transforms does not take its own answer. */
function payloadParser(template: AnyTemplate): (job: Job) => Soon<void> {
  const parsed = new WeakSet<Job>();
  return (job) => {
    if (!template.payload || parsed.has(job)) return;
    return soon(fitOf(template.payload, job.payload), (fit) => {
      if (fit.problem !== undefined) throw misfit(template, fit.problem);
      (job as CalledJob).takePayload(fit.value);
      parsed.add(job);
    });
  };
}

/**
 * An output that does not fit is reported and stored as it is: the handler has done its work, and a failure would do it again. Whoever
 * reads the output through the template gets the error.
 */
function outputChecker(
  { output: schema }: AnyTemplate,
  events: QueueEventBus,
): Handler['checkOutput'] {
  if (!schema) return undefined;
  return async (job, { text = 'null' }) => {
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

function misfit(template: AnyTemplate, problem: string): UnprocessableError {
  return new UnprocessableError(
    `The stored payload does not fit the schema of ${templateLabel(template)}: ${problem}.`,
  );
}
