import { Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { constant, SimpleQueueModule } from 'nestjs-simple-queue';
import { openTelemetry } from 'nestjs-simple-queue/telemetry';
import { SendMail, SendNewsletter } from './mail.handlers.js';
import { MetricsController } from './metrics.controller.js';
import { Traffic } from './traffic.js';

/** Prometheus scrapes each few seconds here, and has to see something new each time. */
const FRESH_MS = 2_000;

@Module({ controllers: [MetricsController], providers: [SendMail, SendNewsletter, Traffic] })
export class MetricsModule {
  static forRoot(databaseUrl: string, exporter: PrometheusExporter): DynamicModule {
    return {
      module: MetricsModule,
      imports: [
        TypeOrmModule.forRoot({ type: 'postgres', url: databaseUrl, retryAttempts: 1 }),
        SimpleQueueModule.forRoot({
          telemetry: openTelemetry({ traces: false, depthMs: FRESH_MS }),
          backoff: constant({ delayMs: 1_000 }),
          logs: { structured: true, levels: { retried: 'debug' } },
        }),
      ],
      providers: [{ provide: PrometheusExporter, useValue: exporter }],
    };
  }
}
