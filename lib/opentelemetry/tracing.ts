import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type Link,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import type { Job } from '../job/job.js';
import type { EnqueueCall, ProcessCall } from '../observability/telemetry.js';
import { errorTypeOf, failureIn } from './error-type.js';
import { ATTRIBUTE, operation } from './names.js';
import type { SettleSpans } from './settle-spans.js';

/** What travels must leave room for the headers of callers and carriers; baggage comes from outside, and may be large. */
const MAX_TRAVELLING_BYTES = 2_048;

interface TracingParts {
  tracer: Tracer;
  /** `child`: a run continues the trace of its enqueue. `link`: it begins a trace of its own that points there. */
  runs: 'link' | 'child';
  settling: SettleSpans;
}

/** Spans around enqueue calls and runs. The context of an enqueue's span travels in the headers of its jobs, where somebody will use it. */
export class Tracing {
  constructor(private readonly parts: TracingParts) {}

  async enqueue(
    { queue, jobs }: EnqueueCall,
    next: (headers?: Record<string, string>) => Promise<unknown>,
  ): Promise<unknown> {
    const attributes = {
      ...operation('enqueue', 'send', queue),
      ...(jobs === 1 ? {} : { [ATTRIBUTE.batchSize]: jobs }),
    };
    const span = this.parts.tracer.startSpan(`enqueue ${queue}`, {
      kind: SpanKind.PRODUCER,
      attributes,
    });
    const within = trace.setSpan(context.active(), span);
    try {
      const answer = await context.with(within, () => next(travelling(this.carried(span, within))));
      const { id, outcome } = answer as { id?: string; outcome?: string };
      if (id !== undefined)
        span.setAttributes({ [ATTRIBUTE.jobId]: id, [ATTRIBUTE.outcome]: outcome });
      return answer;
    } catch (error) {
      failed(span, errorTypeOf(error));
      throw error;
    } finally {
      span.end();
    }
  }

  /** A link to a span that nobody keeps leads nowhere: its jobs are stored as if there were none. A child takes over the decision. */
  private carried(span: Span, within: Context): Context {
    const isSampled = (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0;
    return isSampled || this.parts.runs === 'child' ? within : trace.deleteSpan(within);
  }

  process(call: ProcessCall, next: () => Promise<void>): Promise<void> {
    const { queue, jobs } = call;
    const origins = jobs.map(originOf);
    const span = this.startRun(queue, jobs, origins);
    const within = trace.setSpan(jobs.length === 1 ? origins[0]! : ROOT_CONTEXT, span);
    // A span that is not sampled is told no more than its sampler asks for; what the handler begins still learns of that decision.
    if (!span.isRecording()) return context.with(within, next);
    return this.recorded(call, { span, within }, next);
  }

  private async recorded(
    call: ProcessCall,
    { span, within }: { span: Span; within: Context },
    next: () => Promise<void>,
  ): Promise<void> {
    const { jobs } = call;
    span.setAttributes(jobs.length === 1 ? ofJob(jobs[0]!) : ofBatch(jobs));
    const settling = jobs.map((job) => this.parts.settling.expect(job, within));
    await context.with(within, next);
    const outcomes = jobs.map((job) => call.outcomeOf(job));
    const failure = outcomes.map(failureIn).find((type) => type !== undefined);
    if (jobs.length === 1 && outcomes[0]) span.setAttribute(ATTRIBUTE.outcome, outcomes[0].kind);
    if (failure !== undefined) failed(span, failure);
    span.end();
    for (const open of settling) open.since = Date.now();
  }

  private startRun(queue: string, jobs: readonly Job[], origins: Context[]): Span {
    const links = origins
      .map((origin) => trace.getSpanContext(origin))
      .filter((origin) => origin !== undefined);
    const isChild = this.parts.runs === 'child' && jobs.length === 1;
    const options = {
      kind: SpanKind.CONSUMER,
      attributes: operation('process', 'process', queue),
      links: links.map((origin): Link => ({ context: origin })),
    };
    return this.parts.tracer.startSpan(
      `process ${queue}`,
      options,
      isChild ? origins[0]! : ROOT_CONTEXT,
    );
  }
}

/** Most jobs carry nothing, and each step counts where a run is not sampled. */
const originOf = ({ headers }: Job): Context =>
  Object.keys(headers).length > 0 ? propagation.extract(ROOT_CONTEXT, headers) : ROOT_CONTEXT;

const ofJob = ({ id, name, attempt }: Job): Attributes => ({
  [ATTRIBUTE.jobId]: id,
  [ATTRIBUTE.attempt]: attempt,
  ...(name && { [ATTRIBUTE.jobName]: name }),
});

const ofBatch = (jobs: readonly Job[]): Attributes => ({ [ATTRIBUTE.batchSize]: jobs.length });

function failed(span: Span, type: string): void {
  span.setAttribute(ATTRIBUTE.errorType, type);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** All that the propagators say, or where that is too much the trace alone. */
function travelling(within: Context): Record<string, string> | undefined {
  const headers: Record<string, string> = {};
  propagation.inject(within, headers);
  const keys = Object.keys(headers);
  if (keys.length === 0) return undefined;
  if (Buffer.byteLength(JSON.stringify(headers)) <= MAX_TRAVELLING_BYTES) return headers;
  return headers['traceparent'] === undefined ? undefined : { traceparent: headers['traceparent'] };
}
