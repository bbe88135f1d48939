import {
  BadRequestException,
  Body,
  Controller,
  Headers,
  HttpCode,
  Param,
  Post,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import {
  JobQueue,
  type LeaseRenewal,
  type PulledJob,
  type Returned,
} from 'nestjs-simple-queue/pull';
import { BearerTokenGuard } from './bearer-token.guard.js';
import { EdgeSettings } from './edge.settings.js';
import { LeaseHandles } from './lease-handles.js';
import { QueueErrorFilter } from './queue-error.filter.js';

/** What a worker sends; the queue checks the values. */
interface ClaimForm {
  workerId: string;
  labels?: string[];
  leaseMs?: number;
  limit?: number;
}

interface FailForm {
  error: unknown;
  retryable?: boolean;
}

interface LeasePath {
  lease: string;
}

interface JobPath extends LeasePath {
  job: string;
}

/** Who claimed the lease says so again with each call for it. */
const WORKER_ID = 'x-worker-id';

/** The pull contract over HTTP. */
@Controller()
@UseGuards(BearerTokenGuard)
@UseFilters(QueueErrorFilter)
export class EdgeController {
  constructor(
    private readonly queue: JobQueue,
    private readonly settings: EdgeSettings,
    private readonly handles: LeaseHandles,
  ) {}

  @Post('claims')
  @HttpCode(200)
  async claim(@Body() body: unknown): Promise<{ leaseId: string; jobs: object[] }> {
    const { workerId, labels, leaseMs, limit } = formOf<ClaimForm>(body);
    const queues = [...this.settings.queues];
    const { leaseId, jobs } = await this.queue.claim({ workerId, labels, leaseMs, limit, queues });
    return { leaseId: this.handles.handleOf(leaseId, workerId), jobs: jobs.map(inJson) };
  }

  @Post('leases/:lease/renew')
  @HttpCode(200)
  renew(
    @Param() at: LeasePath,
    @Headers(WORKER_ID) worker: string,
    @Body() body: unknown,
  ): Promise<LeaseRenewal> {
    return this.queue.renewLease(
      this.handles.leaseOf(at.lease, worker),
      formOf<{ leaseMs: number }>(body).leaseMs,
    );
  }

  @Post('leases/:lease/jobs/:job/complete')
  @HttpCode(204)
  complete(
    @Param() at: JobPath,
    @Headers(WORKER_ID) worker: string,
    @Body() body: unknown,
  ): Promise<void> {
    return this.queue.complete(
      this.handles.leaseOf(at.lease, worker),
      at.job,
      formOf<{ outputs?: unknown }>(body).outputs,
    );
  }

  @Post('leases/:lease/jobs/:job/fail')
  @HttpCode(200)
  async fail(
    @Param() at: JobPath,
    @Headers(WORKER_ID) worker: string,
    @Body() body: unknown,
  ): Promise<{ state: Returned }> {
    const { error, retryable } = formOf<FailForm>(body);
    return {
      state: await this.queue.fail(this.handles.leaseOf(at.lease, worker), at.job, error, {
        retryable,
      }),
    };
  }

  @Post('leases/:lease/jobs/:job/release')
  @HttpCode(200)
  async release(
    @Param() at: JobPath,
    @Headers(WORKER_ID) worker: string,
  ): Promise<{ state: Returned }> {
    return { state: await this.queue.release(this.handles.leaseOf(at.lease, worker), at.job) };
  }
}

function formOf<Form>(body: unknown): Partial<Form> & Form {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Form;
  throw new BadRequestException('Send a JSON object with content-type: application/json.');
}

/** JSON has no bytes. */
function inJson({ payloadBytes, ...job }: PulledJob): object {
  return payloadBytes ? { ...job, payloadBytes: payloadBytes.toString('base64') } : job;
}
