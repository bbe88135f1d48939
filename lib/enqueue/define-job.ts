import {
  asTemplate,
  type AnyTemplate,
  type JobTemplate,
  type TemplateDefaults,
} from '../job/job-template.js';
import { checkJobName, checkQueueName } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import {
  isSchema,
  type AnySchema,
  type GivenTo,
  type ParsedBy,
} from '../job/values/standard-schema.js';
import { must, passes, shape } from '../runtime/rules.js';
import { checkedJob } from './new-job.js';

/** What `defineJob` takes. */
export interface JobDefinition<
  Payload extends AnySchema = AnySchema,
  Output extends AnySchema = AnySchema,
> {
  /** Queue of the jobs. */
  queue: string;
  /** Which jobs of the queue; default `''`, those without a name. */
  name?: string;
  /** Standard Schema of the payload; asked at enqueue and before work. */
  payload?: Payload;
  /** Standard Schema of what the handler returns; asked when it has succeeded, and when the output is read. */
  output?: Output;
  /** What holds for all its jobs where the call says nothing. */
  defaults?: TemplateDefaults;
}

/** What `defineJob<Payload, Output>()` takes: the types are given, so there are no schemas. */
export type PlainJobDefinition = Omit<JobDefinition, 'payload' | 'output'>;

/** `unknown` where no schema was given, so that the type stays open. */
type Given<Schema> = Schema extends AnySchema ? GivenTo<Schema> : unknown;
type Parsed<Schema> = Schema extends AnySchema ? ParsedBy<Schema> : unknown;

/**
 * A template: a kind of job, for both of its ends. `enqueue(Template, payload)` and `@QueueHandler(Template)` are checked by the compiler,
 * and by its schemas (zod, valibot, arktype, any Standard Schema) at run time. `defineJob<Payload, Output>()({ queue })` has the types only.
 * @throws QueueError `INVALID_OPTION` with everything that is wrong with the definition.
 */
export function defineJob<Payload, Output = unknown>(): (
  definition: PlainJobDefinition,
) => JobTemplate<Payload, Payload, Output, Output>;
export function defineJob<
  Payload extends AnySchema | undefined = undefined,
  Output extends AnySchema | undefined = undefined,
>(
  definition: Omit<JobDefinition, 'payload' | 'output'> & { payload?: Payload; output?: Output },
): JobTemplate<Given<Payload>, Parsed<Payload>, Given<Output>, Parsed<Output>>;
export function defineJob(...given: [definition?: JobDefinition]): unknown {
  return given.length === 0
    ? (definition: JobDefinition) => templateOf(definition)
    : templateOf(given[0]!);
}

const schema = must(isSchema, 'a Standard Schema, e.g. of zod, valibot or arktype');

/** What a single job says belongs to its enqueue. */
const OF_ONE_JOB = ['id', 'name', 'runAt', 'payload', 'payloadBytes'];

const definitionRules = shape(
  {
    queue: passes(checkQueueName),
    name: passes(checkJobName),
    payload: schema,
    output: schema,
    defaults: passes(checkDefaults),
  },
  ['queue'],
);

function templateOf(definition: JobDefinition): AnyTemplate {
  const problems = definitionRules(definition, '');
  if (problems.length > 0)
    throw new QueueError(
      'INVALID_OPTION',
      `defineJob cannot use this:\n- ${problems.join('\n- ')}`,
    );
  const { queue, name = '', payload, output, defaults } = definition;
  return asTemplate({ queue, name, payload, output, defaults: Object.freeze({ ...defaults }) });
}

/** As an enqueue would check them, and once for all. */
function checkDefaults(defaults: TemplateDefaults): void {
  checkedJob('x', null, defaults, { maxPayloadBytes: 4, newId: () => '' });
  const own = Object.keys(defaults).find((option) => OF_ONE_JOB.includes(option));
  if (own)
    throw new QueueError(
      'INVALID_OPTION',
      `${own} belongs to a single job. Give it with the call.`,
    );
}
