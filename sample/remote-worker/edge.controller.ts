import { BadRequestException, Body, Controller, HttpCode, Param, Post, UseFilters, UseGuards } from '@nestjs/common';
import { JobQueue, type LeaseRenewal, type PulledJob, type Returned } from 'nestjs-simple-queue';
import { BearerTokenGuard } from './bearer-token.guard.js';
import { EdgeSettings } from './edge.settings.js';
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

/** The pull contract over HTTP. */
@Controller()
@UseGuards(BearerTokenGuard)
@UseFilters(QueueErrorFilter)
export class EdgeController {
  constructor(
    private readonly queue: JobQueue,
    private readonly settings: EdgeSettings,
  ) {}

  @Post('claims')
  @HttpCode(200)
  async claim(@Body() body: unknown): Promise<{ leaseId: string; jobs: object[] }> {
    const { workerId, labels, leaseMs, limit } = formOf<ClaimForm>(body);
    const queues = [...this.settings.queues];
    const { leaseId, jobs } = await this.queue.claim({ workerId, labels, leaseMs, limit, queues });
    return { leaseId, jobs: jobs.map(inJson) };
  }

  @Post('leases/:lease/renew')
  @HttpCode(200)
  renew(@Param('lease') lease: string, @Body() body: unknown): Promise<LeaseRenewal> {
    return this.queue.renewLease(lease, formOf<{ leaseMs: number }>(body).leaseMs);
  }

  @Post('leases/:lease/jobs/:job/complete')
  @HttpCode(204)
  complete(@Param('lease') lease: string, @Param('job') job: string, @Body() body: unknown): Promise<void> {
    return this.queue.complete(lease, job, formOf<{ outputs?: unknown }>(body).outputs);
  }

  @Post('leases/:lease/jobs/:job/fail')
  @HttpCode(200)
  async fail(@Param('lease') lease: string, @Param('job') job: string, @Body() body: unknown): Promise<{ state: Returned }> {
    const { error, retryable } = formOf<FailForm>(body);
    return { state: await this.queue.fail(lease, job, error, { retryable }) };
  }

  @Post('leases/:lease/jobs/:job/release')
  @HttpCode(200)
  async release(@Param('lease') lease: string, @Param('job') job: string): Promise<{ state: Returned }> {
    return { state: await this.queue.release(lease, job) };
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
