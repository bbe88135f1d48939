import { context, metrics, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  AggregationTemporality,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';
import { openTelemetry } from '../dist/lib/opentelemetry/opentelemetry.js';

const DONE = { code: 0 };
const SHARE = 0.01;

/** Takes what it gets, and sends it nowhere: the wire is not the library's. */
const exporter = {
  export: (_, done) => done(DONE),
  selectAggregationTemporality: () => AggregationTemporality.CUMULATIVE,
  forceFlush: async () => undefined,
  shutdown: async () => undefined,
};

/** The real SDK as an application has it, with metrics read each second; `kind` says how many runs are traced. */
export function telemetryOf(kind) {
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: 1_000,
    exportTimeoutMillis: 900,
  });
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  if (kind === 'metrics') return openTelemetry({ traces: false });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const sampler = kind === 'traced' ? new AlwaysOnSampler() : new TraceIdRatioBasedSampler(SHARE);
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ sampler, spanProcessors: [new BatchSpanProcessor(exporter)] }),
  );
  return openTelemetry();
}
