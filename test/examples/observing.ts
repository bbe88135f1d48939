import { Controller, Inject, Sse, type DynamicModule } from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import { QueueService, SimpleQueueModule } from 'nestjs-simple-queue';
import { openTelemetry } from 'nestjs-simple-queue/telemetry';

export const withTelemetry = (): DynamicModule =>
  // #region telemetry
  SimpleQueueModule.forRoot({ telemetry: openTelemetry() });
// #endregion

export const withMetricsAlone = (): DynamicModule =>
  // #region metrics
  SimpleQueueModule.forRoot({ telemetry: openTelemetry({ traces: false, depthMs: 60_000 }) });
// #endregion

export const withLogs = (): DynamicModule =>
  // #region logs
  SimpleQueueModule.forRoot({
    logs: {
      structured: true,
      levels: { succeeded: 'debug', retried: 'log', cancelled: false },
      redact: /\b\d{13,19}\b/, // Numbers of cards.
    },
  });
// #endregion

// #region stream
@Controller('live')
export class LiveController {
  constructor(@Inject(QueueService) private readonly queues: QueueService) {}

  @Sse()
  live(): Observable<{ data: string }> {
    return this.queues
      .events('retried', 'failed')
      .pipe(map(({ type, event }) => ({ data: `${event.queue} ${type}` })));
  }
}
// #endregion
