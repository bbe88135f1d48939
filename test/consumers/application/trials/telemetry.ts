import { context, propagation } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { QueueHandler, QueueService, SimpleQueueModule } from 'nestjs-simple-queue';
import { openTelemetry } from 'nestjs-simple-queue/telemetry';
import assert from 'node:assert/strict';
import { answers, database, tryOut } from './trial.js';

@QueueHandler('reports')
class WriteReport {
  process(): string {
    return 'written';
  }
}

/** The span of a run points to that of its enqueue. */
export const tracesJobs = async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const spans = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(spans)],
  });
  const queue = SimpleQueueModule.forRoot({ telemetry: openTelemetry({ tracerProvider }) });
  await tryOut({ imports: [database(), queue], providers: [WriteReport] }, async (app) => {
    const { id } = await app.get(QueueService).enqueue('reports', {});
    await answers(app, id, 'written');
  });
  const named = (name: string) => spans.getFinishedSpans().find((span) => span.name === name);
  const enqueued = named('enqueue reports')?.spanContext();
  assert(enqueued, 'The enqueue has no span.');
  assert.deepEqual(
    named('process reports')?.links.map((link) => link.context.spanId),
    [enqueued.spanId],
  );
};
