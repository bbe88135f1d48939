import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService, type HealthCheckResult } from '@nestjs/terminus';
import { QueueHealth } from 'nestjs-simple-queue/admin';

// #region controller
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly queue: QueueHealth,
  ) {}

  /** Kubernetes restarts the pod when this fails: the database does not matter here. */
  @Get('live')
  @HealthCheck()
  live(): Promise<HealthCheckResult> {
    return this.health.check([() => this.queue.isAlive('queue')]);
  }

  /** Kubernetes sends no requests while this fails. */
  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check([() => this.queue.isReady('queue')]);
  }

  /** For an alarm. */
  @Get()
  @HealthCheck()
  all(): Promise<HealthCheckResult> {
    return this.health.check([
      () => this.queue.isHealthy('queue', { oldestReadyMs: 60_000, maxDeadLetters: 20 }),
    ]);
  }
}
// #endregion
