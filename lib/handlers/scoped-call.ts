import { ContextIdFactory, type ContextId } from '@nestjs/core';
import type { Job } from '../job/job.js';
import { failureOf } from '../job/failure.js';
import { isError } from '../job/kinds.js';
import { QueueError } from '../job/queue.errors.js';
import type { Handler } from './handler-registry.js';
import type { MethodEnhancers } from './nest-enhancers.js';
import type { ProvidedClass } from './provided-class.js';

type Acquire = NonNullable<Handler['acquire']>;
type Run = (jobs: Job | Job[], context: object) => unknown;

interface Made {
  instance: Record<string, (...args: unknown[]) => unknown>;
  contextId: ContextId;
}

/** A method of a request-scoped class: each job gets an instance of its own, made for it and dropped with it. Of durable ones a tenant's jobs share one. */
export class ScopedCall {
  /** What `acquire` was asked of, until its job runs. Weak, since a declined job never comes back. */
  private readonly waiting = new WeakMap<object, Made>();

  constructor(
    private readonly provided: ProvidedClass,
    private readonly method: string,
    private readonly enhancers: MethodEnhancers | undefined,
  ) {}

  readonly run: Run = async (jobs, context) => {
    const made = this.waiting.get(jobs) ?? (await this.make(jobs));
    this.waiting.delete(jobs);
    if (this.enhancers)
      return this.enhancers.around(made.instance, made.contextId).run(jobs, context);
    return made.instance[this.method]!(jobs, context);
  };

  readonly acquire: Acquire = async (job) => {
    const made = await this.make(job);
    this.waiting.set(job, made);
    return made.instance.acquire!(job) as ReturnType<Acquire>;
  };

  private async make(request: Job | Job[]): Promise<Made> {
    try {
      const contextId = ContextIdFactory.getByRequest(request as Job);
      return { contextId, instance: await this.resolve(request, contextId) };
    } catch (error) {
      throw this.unmade(request, error);
    }
  }

  /** What a tenant's jobs share must not keep the first of them. */
  private resolve(request: object, contextId: ContextId): Promise<Made['instance']> {
    const { moduleRef, token, isDurable } = this.provided;
    moduleRef.registerRequestByContextId(isDurable ? contextId.payload : request, contextId);
    return moduleRef.resolve(token, contextId);
  }

  /** An error of ours says already what becomes of the job. */
  private unmade(request: Job | Job[], error: unknown): unknown {
    if (error instanceof QueueError) return error;
    const { queue, id } = Array.isArray(request) ? request[0]! : request;
    const { name, message, stack } = failureOf(error);
    const why = isError(error) ? `${name}: ${message}` : message;
    const unmade = new QueueError(
      'HANDLER_UNMADE',
      `${this.provided.name} could not be created for job ${id} of queue "${queue}": ${why}. Look at its constructor, at what it injects, and at the ContextIdStrategy.`,
      { cause: error },
    );
    // Where the constructor failed is what one looks for.
    if (stack !== undefined) unmade.stack = `${unmade.stack}\nCaused by: ${stack}`;
    return unmade;
  }
}
