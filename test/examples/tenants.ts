import { Inject, Injectable, Scope } from '@nestjs/common';
import { ContextIdFactory, REQUEST, type ContextId, type ContextIdStrategy } from '@nestjs/core';
import { Job, QueueHandler } from 'nestjs-simple-queue';

// #region request
/** Created for each job, which it knows by injection. */
@Injectable({ scope: Scope.REQUEST })
export class JobLog {
  readonly lines: string[] = [];

  constructor(@Inject(REQUEST) private readonly job: Job) {}

  say(line: string): void {
    this.lines.push(`[${this.job.queue} ${this.job.attempt}/${this.job.maxAttempts}] ${line}`);
  }
}

/** Request-scoped by what it injects. */
@QueueHandler('statements')
export class SendStatement {
  constructor(private readonly log: JobLog) {}

  process({ payload }: Job<{ to: string }>): string[] {
    this.log.say(`to ${payload.to}`);
    return this.log.lines;
  }
}
// #endregion

// #region strategy
/** Takes jobs and HTTP requests alike: both have headers. */
export class ByTenant implements ContextIdStrategy {
  private readonly tenants = new Map<string, ContextId>();

  attach(contextId: ContextId, { headers = {} }: { headers?: Record<string, string> }) {
    const { tenant } = headers;
    if (tenant === undefined) return () => contextId;
    const shared = this.tenants.get(tenant) ?? ContextIdFactory.create();
    this.tenants.set(tenant, shared);
    return {
      resolve: ({ isTreeDurable }: { isTreeDurable: boolean }) =>
        isTreeDurable ? shared : contextId,
      payload: { tenant },
    };
  }
}
// #endregion

// #region durable
/** One a tenant: a place for its connection, its settings, its counters. */
@Injectable({ scope: Scope.REQUEST, durable: true })
export class TenantStore {
  private jobs = 0;

  constructor(@Inject(REQUEST) private readonly request: { tenant: string }) {}

  count(): string {
    return `${this.request.tenant}: ${++this.jobs}`;
  }
}

@QueueHandler('imports')
export class ImportFile {
  constructor(private readonly store: TenantStore) {}

  process(): string {
    return this.store.count();
  }
}
// #endregion
