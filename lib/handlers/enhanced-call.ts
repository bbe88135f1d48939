import {
  ForbiddenException,
  type CanActivate,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { lastValueFrom } from 'rxjs';
import { JobResult } from '../job/job-result.js';
import type { Job } from '../job/job.js';
import type { CalledJob } from './handler-registry.js';
import { lastValue } from './last-value.js';
import type { ExceptionFilters, HandlerMethod, NestParts } from './nest-parts.js';

interface Enhancers {
  guards: CanActivate[];
  interceptors: NestInterceptor[];
  pipes: PipeTransform[];
  filters: ExceptionFilters;
}

interface Target {
  instance: object;
  method: HandlerMethod;
}

const TYPE = 'queue';

/** A method beneath its enhancers, in Nest's order: guards, interceptors, pipes, the method, and filters for what any of them throws. */
export class EnhancedCall {
  constructor(
    private readonly nest: NestParts,
    private readonly target: Target,
    private readonly enhancers: Enhancers,
  ) {}

  readonly run = async (jobs: Job | Job[], context: object): Promise<unknown> => {
    const args = [jobs, context];
    try {
      await this.guard(args);
      return await this.intercept(args, this.methodOf(args));
    } catch (error) {
      return await this.filter(args, error);
    }
  };

  private async guard(args: unknown[]): Promise<void> {
    const { guards } = this.enhancers;
    if (guards.length === 0) return;
    const { instance, method } = this.target;
    if (!(await this.nest.guardsConsumer.tryActivate(guards, args, instance, method, TYPE)))
      throw new ForbiddenException('Forbidden resource');
  }

  private async intercept(args: unknown[], next: () => Promise<unknown>): Promise<unknown> {
    const { interceptors } = this.enhancers;
    if (interceptors.length === 0) return next();
    const { instance, method } = this.target;
    const answers = await this.nest.interceptorsConsumer.intercept(
      interceptors,
      args,
      instance,
      method,
      next,
      TYPE,
    );
    return lastValueFrom(answers);
  }

  /** Interceptors may call it several times: pipes get the same payload each time, and not their own answer. */
  private methodOf(args: unknown[]): () => Promise<unknown> {
    const { instance, method } = this.target;
    const job = args[0] as CalledJob;
    if (this.enhancers.pipes.length === 0 || Array.isArray(job))
      return async () => lastValue(await method.apply(instance, args));
    const { payload } = job;
    return async () => {
      job.takePayload(await this.pipe(payload));
      return lastValue(await method.apply(instance, args));
    };
  }

  /** `body`, because pipes that check a value let those of custom parameters pass. */
  private pipe(payload: unknown): Promise<unknown> {
    return this.nest.pipesConsumer.applyPipes(
      payload,
      { type: 'body', metatype: undefined, data: undefined },
      this.enhancers.pipes,
    );
  }

  /** Only a JobResult says that a filter has decided: whatever else it returns, the job has failed. */
  private async filter(args: unknown[], error: unknown): Promise<JobResult<unknown>> {
    const { instance, method } = this.target;
    const host = this.nest.guardsConsumer.createContext(args, instance, method);
    host.setType(TYPE);
    const answer = await lastValue(await this.enhancers.filters.invokeCustomFilters(error, host));
    if (answer instanceof JobResult) return answer;
    throw error;
  }
}
