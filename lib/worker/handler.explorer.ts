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
import { checkJobName } from '../job/names.js';
import type { AnyTemplate } from '../job/job-template.js';
import { QueueError } from '../job/queue.errors.js';
import { checkQueuePattern } from '../job/queue-pattern.js';
import type { QueueEvents } from '../observability/events.js';
import { must, passes } from '../runtime/rules.js';
import type { Handler, HandlerRegistry } from './handler-registry.js';
import { handleJobOptions, queueHandlerOptions } from './handler-rules.js';
import { moduleInstances, refuseTwins, refuseUnknown } from './module-instance.js';
import { ProvidedClass } from './provided-class.js';
import { templated } from './templated-handler.js';

type JobMark = HandleJobMetadata & { method: string };

const queueName = passes(checkQueuePattern);
const jobName = passes(checkJobName);
const given = must((name) => name !== '', 'a name: jobs without one go to process()');

/** Fills the registry of one module instance, at a moment when every provider exists and no worker has started. */
export class HandlerExplorer implements OnModuleInit {
  private readonly taken = new Map<unknown, ProvidedClass>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly registry: HandlerRegistry,
    private readonly instance: string,
    private readonly events: QueueEvents,
  ) {}

  /** @throws QueueError `HANDLER_INVALID`, `HANDLER_DUPLICATE` or `MODULE_INVALID`: a wrong set-up stops the start. */
  onModuleInit(): void {
    const instances = moduleInstances(this.discovery);
    refuseTwins(this.instance, instances);
    for (const provided of ProvidedClass.in(this.discovery)) this.explore(provided, instances);
  }

  private explore(provided: ProvidedClass, instances: string[]): void {
    const handler = provided.mark<QueueHandlerMetadata>(QUEUE_HANDLER);
    const jobs = provided.methodMarks<HandleJobMetadata>(HANDLE_JOB);
    if (!handler) return refuseOrphans(provided, jobs);
    refuseProblems(provided, problemsOf(handler, jobs));
    refuseUnknown(instanceOf(handler), instances, provided.name);
    if (instanceOf(handler) === this.instance) this.take(provided, handler, jobs);
  }

  private take(provided: ProvidedClass, handler: QueueHandlerMetadata, jobs: JobMark[]): void {
    refuseScope(provided);
    this.refuseTwice(provided);
    const handlers = handlersOf(provided, handler, jobs);
    if (handlers.length === 0) throw invalid(provided, 'has no process() method and no @HandleJob method. Implement JobHandler.');
    refuseBatches(provided, handler.options, handlers);
    for (const { template, ...one } of handlers) this.registry.add(templated(one, template, this.events));
  }

  private refuseTwice(provided: ProvidedClass): void {
    const known = this.taken.get(provided.type);
    if (known) throw twice(known, provided);
    this.taken.set(provided.type, provided);
  }
}

/** A handler, and the template whose schemas stand around it. */
type Found = Handler & { template?: AnyTemplate };

function handlersOf(provided: ProvidedClass, { queue, options, template }: QueueHandlerMetadata, jobs: JobMark[]): Found[] {
  const acquire = provided.method<NonNullable<Handler['acquire']>>('acquire');
  const handler = (mark: Partial<HandleJobMetadata>, method: string, own: HandleJobOptions): Found[] => {
    const run = provided.method<Handler['run']>(method);
    const bound = own.concurrency === undefined ? provided.type : own;
    const said = { queue, name: mark.name, template: mark.template, options: merged(options, own) };
    return run ? [{ ...said, label: `${provided.name}.${method}`, bound, run, acquire }] : [];
  };
  // A template's process takes its jobs alone: those of other names may carry anything.
  const whole = handler(template ? { name: template.name, template } : {}, 'process', { batch: options.batch });
  return [...whole, ...jobs.flatMap((job) => handler(job, job.method, job.options))];
}

const NOT_INHERITED: ReadonlySet<string> = new Set(['instance', 'batch'] satisfies (keyof QueueHandlerOptions)[]);

/** What the method's decorator leaves out is taken from the class's, but `batch`: a method that takes one job cannot take several. */
function merged(ofClass: QueueHandlerOptions, own: HandleJobOptions): HandleJobOptions {
  const inherited = Object.entries(ofClass).filter(([key]) => !NOT_INHERITED.has(key));
  const said = [...inherited, ...Object.entries(own)].filter(([, value]) => value !== undefined);
  return Object.freeze(Object.fromEntries(said) as HandleJobOptions);
}

/** One call holds one transaction and one permit of it; its jobs may end differently. */
function refuseBatches(provided: ProvidedClass, ofClass: QueueHandlerOptions, handlers: Found[]): void {
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
  if (handlers.some(({ options, template }) => options.batch && template))
    throw invalid(
      provided,
      'takes batches of a template, which are taken one by one. Name the queue instead, or leave out `batch`.',
    );
}

function instanceOf(handler: QueueHandlerMetadata): string {
  return handler.options.instance ?? 'default';
}

function problemsOf(handler: QueueHandlerMetadata, jobs: JobMark[]): string[] {
  const ofClass = [
    ...queueName(handler.queue, '@QueueHandler'),
    ...queueHandlerOptions(handler.options, '@QueueHandler options'),
  ];
  return [...ofClass, ...jobs.flatMap((job) => problemsOfJob(job, handler.queue, `@HandleJob of ${job.method}()`))];
}

function problemsOfJob({ name, options, template }: JobMark, queue: string, path: string): string[] {
  const elsewhere = template && template.queue !== queue ? [`${path} names a template of queue "${template.queue}"`] : [];
  return [...elsewhere, ...given(name, path), ...jobName(name, path), ...handleJobOptions(options, `${path} options`)];
}

function refuseProblems(provided: ProvidedClass, problems: string[]): void {
  if (problems.length > 0) throw invalid(provided, `is not set up well:\n- ${problems.join('\n- ')}`);
}

function refuseOrphans(provided: ProvidedClass, jobs: JobMark[]): void {
  if (jobs.length > 0)
    throw invalid(provided, `has a @HandleJob method, ${jobs[0]?.method}(), but no @QueueHandler(queue) on the class.`);
}

function refuseScope(provided: ProvidedClass): void {
  if (!provided.scope) return;
  const why = provided.scope === 'request' ? 'request-scoped, itself or by what it injects' : 'transient';
  throw invalid(provided, `is ${why}; handlers of that scope are not supported yet. Make it a singleton.`);
}

function twice(known: ProvidedClass, second: ProvidedClass): QueueError {
  const where = known.module === second.module ? `twice by ${known.module}` : `by ${known.module} and by ${second.module}`;
  return new QueueError(
    'HANDLER_DUPLICATE',
    `${known.name} is provided ${where}: its jobs would have two handlers. Provide it once, and import that module.`,
  );
}

function invalid(provided: ProvidedClass, problem: string): QueueError {
  return new QueueError('HANDLER_INVALID', `${provided.name} (in ${provided.module}) ${problem}`);
}
