/**
 * Traces and metrics by OpenTelemetry, and what a telemetry of one's own is made of. See the guide on telemetry.
 *
 * @module nestjs-simple-queue/telemetry
 */
import { metrics, trace, type MeterProvider, type TracerProvider } from '@opentelemetry/api';
import { QueueError } from '../job/queue.errors.js';
import type {
  EnqueueCall,
  ProcessCall,
  Telemetry,
  TelemetrySource,
} from '../observability/telemetry.js';
import { oneOf, orFalse, shape, whole, yesOrNo } from '../runtime/rules.js';
import { Measuring } from './measuring.js';
import { SettleSpans } from './settle-spans.js';
import { Tracing } from './tracing.js';
import { inMs, type Duration, type InMs } from '../job/values/duration.js';

export type {
  EnqueueCall,
  LimitLoad,
  ProcessCall,
  QueueDepth,
  QueueLoad,
  Telemetry,
  TelemetrySource,
} from '../observability/telemetry.js';

/** What is traced and measured. */
export interface OpenTelemetryOptions {
  /**
   * How a run's span belongs to its enqueue's. `link` (default): a trace of its own that points there, as the conventions have it.
   * `child`: a part of that trace. `false`: no spans, and no trace in the headers.
   */
  traces?: 'link' | 'child' | false;
  /** Default true. */
  metrics?: boolean;
  /** Gauges of depth and age ask the database when they are scraped, at most once in this time, default 15,000; `false`: never. */
  depthMs?: Duration | false;
  /** Default: the one that is registered when the application starts. */
  tracerProvider?: TracerProvider;
  /** Default: the one that is registered when the application starts. */
  meterProvider?: MeterProvider;
}

const SCOPE = 'nestjs-simple-queue';
const DEPTH_MS = 15_000;

const optionRules = shape({
  traces: orFalse(oneOf('link', 'child')),
  metrics: yesOrNo,
  depthMs: orFalse(whole(0, 3_600_000)),
  tracerProvider: () => [],
  meterProvider: () => [],
});

/**
 * Traces and metrics by the OpenTelemetry API, for the module's option `telemetry`. One value serves one instance of the module.
 * @throws QueueError `INVALID_OPTION`.
 */
export function openTelemetry(given: OpenTelemetryOptions = {}): Telemetry {
  const options = inMs(given);
  const problems = optionRules(options, 'options');
  if (problems.length > 0)
    throw new QueueError('INVALID_OPTION', `openTelemetry: ${problems.join('; ')}.`);
  return new OpenTelemetry(options);
}

/** Knows its providers when the application starts: an SDK that is registered later would never hear of it. */
class OpenTelemetry implements Telemetry {
  readonly process: Telemetry['process'];
  private readonly tracing: Tracing | undefined;
  private readonly settling: SettleSpans | undefined;
  private measuring: Measuring | undefined;

  constructor(private readonly options: InMs<OpenTelemetryOptions>) {
    const { traces = 'link', tracerProvider = trace } = options;
    if (traces === false) return;
    const tracer = tracerProvider.getTracer(SCOPE);
    this.settling = new SettleSpans(tracer);
    this.tracing = new Tracing({ tracer, runs: traces, settling: this.settling });
    this.process = (call: ProcessCall, next) => this.tracing!.process(call, next);
  }

  start(source: TelemetrySource): () => void {
    const { depthMs = DEPTH_MS, meterProvider = metrics } = this.options;
    const stops = this.settling ? [this.settling.listen(source.events)] : [];
    if (this.options.metrics !== false) {
      this.measuring = new Measuring({ meter: meterProvider.getMeter(SCOPE), source, depthMs });
      stops.push(this.measuring.start());
    }
    return () => stops.forEach((stop) => stop());
  }

  async enqueue(
    call: EnqueueCall,
    next: (headers?: Record<string, string>) => Promise<unknown>,
  ): Promise<unknown> {
    const startedAt = performance.now();
    const store = this.tracing ? this.tracing.enqueue(call, next) : next();
    try {
      const answer = await store;
      this.measuring?.enqueued(call.queue, performance.now() - startedAt);
      return answer;
    } catch (error) {
      this.measuring?.enqueued(call.queue, performance.now() - startedAt, error);
      throw error;
    }
  }
}
