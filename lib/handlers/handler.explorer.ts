import type { OnModuleInit } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import {
  HANDLE_JOB,
  QUEUE_HANDLER,
  type HandleJobMetadata,
  type HandleJobOptions,
  type QueueHandlerMetadata,
  type QueueHandlerOptions,
} from '../job/job-handler.js';
import { hush } from '../job/kinds.js';
import { failureOf } from '../job/failure.js';
import { checkJobName } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import { checkQueuePattern } from '../job/values/queue-pattern.js';
import type { QueueEventBus } from '../observability/events.js';
import { must, passes } from '../runtime/rules.js';
import type { Handler, HandlerRegistry } from './handler-registry.js';
import { handleJobOptions, queueHandlerOptions } from '../options/handler-rules.js';
import { invalid } from './invalid-handler.js';
import { moduleInstances, refuseTwins, refuseUnknown } from './module-instance.js';
import { nestCall, type NestCall } from './nest-call.js';
import { hasPipes, type NestEnhancers } from './nest-enhancers.js';
import { ProvidedClass } from './provided-class.js';
import { refuseOrphanSchedules, schedulesOf } from './schedule-marks.js';
import { templated } from './templated-handler.js';
import type { InMs } from '../job/values/duration.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { holdingLimits, refuseUnknownLimits } from './used-limits.js';

type JobMark = HandleJobMetadata & { method: string };
type NamedMetadata = QueueHandlerMetadata & { queue: string };

const queueName = passes(checkQueuePattern);
const jobName = passes(checkJobName);
const given = must((name) => name !== '', 'a name: jobs without one go to process()');

interface ExplorerParts {
  registry: HandlerRegistry;
  /** The name of the module instance. */
  instance: string;
  events: QueueEventBus;
  enhancers: NestEnhancers;
  /** Limits that handlers may use, and queues whose jobs use some. */
  options: Pick<ResolvedOptions, 'queues' | 'limits' | 'schema'>;
}

/** Fills the registry of one module instance, at a moment when every provider exists and no worker has started. */
export class HandlerExplorer implements OnModuleInit {
  private readonly taken = new Map<unknown, ProvidedClass>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly parts: ExplorerParts,
  ) {}

  /** @throws QueueError `HANDLER_INVALID`, `HANDLER_DUPLICATE`, `LIMIT_UNKNOWN` or `MODULE_INVALID`: a wrong set-up stops the start. */
  onModuleInit(): void {
    const instances = moduleInstances(this.discovery);
    refuseTwins(this.parts.instance, instances);
    for (const provided of ProvidedClass.in(this.discovery)) this.explore(provided, instances);
    this.parts.registry.isFilled = true;
  }

  private explore(provided: ProvidedClass, instances: string[]): void {
    const handler = markOf(provided);
    const jobs = provided.methodMarks<HandleJobMetadata>(HANDLE_JOB);
    if (!handler) return (refuseOrphans(provided, jobs), refuseOrphanSchedules(provided));
    refuseProblems(provided, problemsOf(handler, jobs));
    refuseUnknown(instanceOf(handler), instances, provided.name);
    if (instanceOf(handler) === this.parts.instance) this.take(provided, handler, jobs);
  }

  private take(provided: ProvidedClass, handler: NamedMetadata, jobs: JobMark[]): void {
    refuseTransient(provided);
    this.refuseTwice(provided);
    const handlers = this.handlersOf(provided, handler, jobs);
    // A test that gives {} wants no handler here.
    if (handlers.length === 0 && provided.isStandIn) return;
    if (handlers.length === 0)
      throw invalid(
        provided,
        'has no process() method and no @HandleJob method. Implement JobHandler.',
      );
    refuseBatches(provided, handler.options, handlers);
    refuseUnknownLimits(handlers, this.parts.options);
    // From the inside out: the method, beneath enhancers and scope (`nestCall`), then the schemas of its template.
    for (const one of handlers)
      this.parts.registry.add(holdingLimits(templated(one, this.parts.events), this.parts.options));
    this.parts.registry.schedules.push(...schedulesOf(provided, { ...handler, jobs }));
  }

  private handlersOf(
    provided: ProvidedClass,
    { queue, options, template }: NamedMetadata,
    jobs: JobMark[],
  ): Handler[] {
    const handler = (
      mark: Partial<HandleJobMetadata>,
      method: string,
      own: InMs<HandleJobOptions>,
    ): Handler[] => {
      refuseGenerator(provided, method);
      const call = nestCall(provided, method, this.parts.enhancers);
      if (call && own.batch) refuseEachJob(provided, method, call);
      const bound = own.concurrency === undefined ? provided.type : own;
      const said = {
        queue,
        name: mark.name,
        template: mark.template,
        options: merged(options, own),
      };
      return call ? [{ ...said, ...call, label: `${provided.name}.${method}`, bound }] : [];
    };
    // A template's process takes its jobs alone: those of other names may carry anything.
    const whole = handler(template ? { name: template.name, template } : {}, 'process', {
      batch: options.batch,
    });
    return [...whole, ...jobs.flatMap((job) => handler(job, job.method, job.options))];
  }

  private refuseTwice(provided: ProvidedClass): void {
    const known = this.taken.get(provided.type);
    if (known) throw twice(known, provided);
    this.taken.set(provided.type, provided);
  }
}

/** The class's mark; a name from the configuration is asked of the instance, which has that injected. */
function markOf(provided: ProvidedClass): NamedMetadata | undefined {
  const mark = provided.mark<QueueHandlerMetadata>(QUEUE_HANDLER);
  if (typeof mark?.queue !== 'function') return mark as NamedMetadata | undefined;
  if (provided.scope) throw invalid(provided, `says the name of its queue itself, and has no instance at start: it is ${provided.scope}-scoped. Make it a singleton.`); // prettier-ignore
  try {
    const queue = mark.queue(provided.instance);
    hush(queue);
    return { ...mark, queue };
  } catch (error) {
    throw invalid(
      provided,
      `could not compute the name of its queue: ${failureOf(error).message}`,
      error,
    );
  }
}

const NOT_INHERITED: ReadonlySet<string> = new Set([
  'instance',
  'batch',
] satisfies (keyof QueueHandlerOptions)[]);

/** What the method's decorator leaves out is taken from the class's, but `batch`: a method that takes one job cannot take several. */
function merged(
  ofClass: InMs<QueueHandlerOptions>,
  own: InMs<HandleJobOptions>,
): InMs<HandleJobOptions> {
  const inherited = Object.entries(ofClass).filter(([key]) => !NOT_INHERITED.has(key));
  const said = [...inherited, ...Object.entries(own)].filter(([, value]) => value !== undefined);
  return Object.freeze(Object.fromEntries(said) as InMs<HandleJobOptions>);
}

/** Called, it answers a generator that has done nothing: its job would succeed. */
function refuseGenerator(provided: ProvidedClass, method: string): void {
  if (!/Generator/.test(Object.prototype.toString.call(provided.method(method)))) return;
  throw invalid(
    provided,
    `has ${method}(), which is a generator: its body would never run. Make it an ordinary or async method.`,
  );
}

/** One call holds one transaction and one permit of it; its jobs may end differently. */
function refuseBatches(
  provided: ProvidedClass,
  ofClass: InMs<QueueHandlerOptions>,
  handlers: Handler[],
): void {
  if (ofClass.batch && !provided.method('process'))
    throw invalid(
      provided,
      'has `batch` but no process() method. Give `batch` to the @HandleJob methods that take several jobs.',
    );
  if (handlers.some(({ options }) => options.batch && options.transactional))
    throw invalid(
      provided,
      'is `transactional` and takes batches, which do not go together. Open the transaction yourself, and call context.complete(job, output, { manager }) for each job.',
    );
}

/** What is done for each job before its batch is put together has no place where all of them share one instance or one failure. */
function refuseEachJob(provided: ProvidedClass, method: string, { acquire }: NestCall): void {
  if (hasPipes(provided, method))
    throw invalid(
      provided,
      `takes batches in ${method}(), and has pipes: one bad payload would fail all jobs of its batch. A template's schema checks each job alone.`,
    );
  if (acquire && provided.scope)
    throw invalid(
      provided,
      `takes batches in ${method}(), is request-scoped and has acquire(), which is asked for each job before the batch has its instance. Make it a singleton, or leave acquire() out.`,
    );
}

function instanceOf(handler: QueueHandlerMetadata): string {
  return handler.options.instance ?? 'default';
}

function problemsOf(handler: NamedMetadata, jobs: JobMark[]): string[] {
  const ofClass = [
    ...queueName(handler.queue, '@QueueHandler'),
    ...queueHandlerOptions(handler.options, '@QueueHandler options'),
  ];
  return [
    ...ofClass,
    ...jobs.flatMap((job) => problemsOfJob(job, handler.queue, `@HandleJob of ${job.method}()`)),
  ];
}

function problemsOfJob(
  { name, options, template }: JobMark,
  queue: string,
  path: string,
): string[] {
  const elsewhere =
    template && template.queue !== queue
      ? [`${path} names a template of queue "${template.queue}"`]
      : [];
  return [
    ...elsewhere,
    ...given(name, path),
    ...jobName(name, path),
    ...handleJobOptions(options, `${path} options`),
  ];
}

function refuseProblems(provided: ProvidedClass, problems: string[]): void {
  if (problems.length > 0)
    throw invalid(provided, `is set up wrongly:\n- ${problems.join('\n- ')}`);
}

function refuseOrphans(provided: ProvidedClass, jobs: JobMark[]): void {
  if (jobs.length > 0)
    throw invalid(
      provided,
      `has a @HandleJob method, ${jobs[0]?.method}(), but no @QueueHandler(queue) on the class.`,
    );
}

function refuseTransient(provided: ProvidedClass): void {
  if (provided.scope !== 'transient') return;
  throw invalid(
    provided,
    'is transient, and nobody injects it. Make it a singleton, or request-scoped: an instance for each job.',
  );
}

function twice(known: ProvidedClass, second: ProvidedClass): QueueError {
  const where =
    known.module === second.module
      ? `twice by ${known.module}`
      : `by ${known.module} and by ${second.module}`;
  return new QueueError(
    'HANDLER_DUPLICATE',
    `${known.name} is provided ${where}: its jobs would have two handlers. Provide it once, and import that module.`,
  );
}
