import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { constant } from '../../lib/job/backoff.js';
import { QueueError } from '../../lib/job/queue.errors.js';
import type { Telemetry } from '../../lib/observability/telemetry.js';
import { openTelemetry, type OpenTelemetryOptions } from '../../lib/opentelemetry/opentelemetry.js';
import { aHandler, PATIENT } from '../support/application.js';
import { Rows } from '../support/rows.js';
import { eventually } from '../support/eventually.js';
import { aGate, never } from '../support/gate.js';
import { aStory, loseLeases, untilJobIs } from '../support/story.js';
import { registerContext, TestTelemetry, type Point } from '../support/telemetry.js';

const SECRET = 'hunter2';

describe('OpenTelemetry', () => {
  const story = aStory(PATIENT);
  let sdk: TestTelemetry;
  let unregister: () => void;

  beforeAll(() => {
    unregister = registerContext();
    sdk = new TestTelemetry();
  });
  afterEach(() => sdk.reset());
  afterAll(async () => {
    await sdk.close();
    unregister();
  });

  const telemetry = (options: OpenTelemetryOptions = {}): Telemetry =>
    openTelemetry({
      tracerProvider: sdk.tracerProvider,
      meterProvider: sdk.meterProvider,
      depthMs: 0,
      ...options,
    });
  const request = () => sdk.tracerProvider.getTracer('web').startSpan('POST /orders');
  const within = <T>(span: ReturnType<typeof request>, work: () => T): T =>
    context.with(trace.setSpan(context.active(), span), work);
  const one = (name: string): ReadableSpan => {
    const spans = sdk.spansNamed(name);
    expect(spans).toHaveLength(1);
    return spans[0]!;
  };
  const valueOf = (points: Point[], name: string, attributes: object): unknown =>
    points.find(
      (point) =>
        point.name === name &&
        Object.entries(attributes).every(([key, value]) => point.attributes[key] === value),
    )?.value;

  it('traces a job from the request to its settle: the run has a trace of its own that points to the enqueue', async () => {
    let inside: string | undefined;
    const handler = aHandler(
      'traced',
      () => void (inside = trace.getActiveSpan()?.spanContext().spanId),
    );
    const application = await story.start({
      options: { telemetry: telemetry() },
      providers: [handler],
    });
    const web = request();
    const { id } = await within(web, () => application.queues.enqueue('traced', { card: SECRET }));
    web.end();
    await eventually(() => expect(sdk.spansNamed('settle traced')).toHaveLength(1));

    const [enqueue, process, settle] = [
      one('enqueue traced'),
      one('process traced'),
      one('settle traced'),
    ];
    const common = {
      'messaging.system': 'nestjs_simple_queue',
      'messaging.destination.name': 'traced',
      'messaging.message.id': id,
    };
    const kindOf = (name: string, type: string) => ({
      'messaging.operation.name': name,
      'messaging.operation.type': type,
    });
    expect(enqueue).toMatchObject({
      kind: SpanKind.PRODUCER,
      attributes: { ...common, ...kindOf('enqueue', 'send') },
    });
    expect(enqueue.parentSpanContext?.spanId).toBe(web.spanContext().spanId);
    expect(process).toMatchObject({
      kind: SpanKind.CONSUMER,
      attributes: { ...common, ...kindOf('process', 'process'), 'simple_queue.attempt': 1 },
    });
    expect(process.parentSpanContext).toBeUndefined();
    expect(process.links.map((link) => link.context.spanId)).toEqual([
      enqueue.spanContext().spanId,
    ]);
    expect(settle).toMatchObject({
      kind: SpanKind.CLIENT,
      attributes: { ...common, ...kindOf('settle', 'settle'), 'simple_queue.outcome': 'succeeded' },
    });
    expect(settle.parentSpanContext?.spanId).toBe(process.spanContext().spanId);
    expect(inside).toBe(process.spanContext().spanId);
    expect([enqueue, process, settle].map(({ status }) => status.code)).toEqual([0, 0, 0]);
    expect(
      JSON.stringify(
        sdk.spans.getFinishedSpans().map(({ attributes, events }) => [attributes, events]),
      ),
    ).not.toContain(SECRET);
  });

  it('continues the trace of the request where it is told to, through what handlers enqueue, with the baggage', async () => {
    let tenant: string | undefined;
    const child = aHandler(
      'child',
      () => void (tenant = propagation.getActiveBaggage()?.getEntry('tenant')?.value),
    );
    const parent = aHandler('parent', (_, job) => job.enqueue('child', {}));
    const application = await story.start({
      options: { telemetry: telemetry({ traces: 'child' }) },
      providers: [parent, child],
    });
    const baggage = propagation.setBaggage(
      context.active(),
      propagation.createBaggage({ tenant: { value: 'north' } }),
    );
    const web = request();
    await context.with(trace.setSpan(baggage, web), () => application.queues.enqueue('parent', {}));
    web.end();
    await eventually(() => expect(sdk.spansNamed('settle child')).toHaveLength(1));
    const traces = new Set(sdk.spans.getFinishedSpans().map((span) => span.spanContext().traceId));
    expect(traces).toEqual(new Set([web.spanContext().traceId]));
    expect(one('process child').parentSpanContext?.spanId).toBe(
      one('enqueue child').spanContext().spanId,
    );
    expect(tenant).toBe('north');
  });

  it.each<['link' | 'child', string[]]>([
    ['link', ['baggage']],
    ['child', ['baggage', 'traceparent']],
  ])(
    'stores of an enqueue that is not sampled what its runs can use: %s',
    async (traces, expected) => {
      const tracerProvider = new BasicTracerProvider({ sampler: new AlwaysOffSampler() });
      const application = await story.start({
        options: { worker: false, telemetry: telemetry({ traces, tracerProvider }) },
      });
      const entries = { tenant: { value: 'north' } };
      const baggage = propagation.setBaggage(context.active(), propagation.createBaggage(entries));
      const enqueue = () => application.queues.enqueue('unsampled', {});
      const { id } = await context.with(trace.setSpan(baggage, request()), enqueue);
      const job = await application.queues.find(id);
      expect(Object.keys(job!.headers).sort()).toEqual(expected);
    },
  );

  it('has one span for a batch at either end, with a link for each job', async () => {
    const handler = aHandler('letters', () => undefined, { batch: { size: 3, lingerMs: 10_000 } });
    const { queues } = await story.start({
      options: { telemetry: telemetry() },
      providers: [handler],
    });
    await queues.enqueueMany('letters', [1, 2, 3].map((n) => ({ payload: { n } }))); // prettier-ignore
    await eventually(() => expect(sdk.spansNamed('settle letters')).toHaveLength(3));
    expect(one('enqueue letters').attributes['messaging.batch.message_count']).toBe(3);
    expect(one('process letters').attributes['messaging.batch.message_count']).toBe(3);
    expect(one('process letters').links).toHaveLength(3);
  });

  it('says what failed by code or class, and no more', async () => {
    class CardDeclined extends Error {
      override readonly name = 'CardDeclined';
    }
    const handlers = [
      aHandler('declined', () => Promise.reject(new CardDeclined(SECRET)), { maxAttempts: 1 }),
      aHandler('hanging', never, { maxAttempts: 1, timeoutMs: 20 }),
    ];
    const application = await story.start({
      options: { telemetry: telemetry() },
      providers: handlers,
    });
    await application.queues.enqueue('declined', {});
    await application.queues.enqueue('hanging', {});
    await expect(application.queues.enqueue('declined', 1n)).rejects.toThrow(QueueError);
    await eventually(() =>
      expect([
        ...sdk.spansNamed('settle declined'),
        ...sdk.spansNamed('settle hanging'),
      ]).toHaveLength(2),
    );

    const failure = (span: ReadableSpan) => [
      span.status,
      span.attributes['error.type'],
      span.events,
    ];
    expect(failure(one('process declined'))).toEqual([
      { code: SpanStatusCode.ERROR },
      'CardDeclined',
      [],
    ]);
    expect(failure(sdk.spansNamed('enqueue declined')[1]!)).toEqual([
      { code: SpanStatusCode.ERROR },
      'INVALID_PAYLOAD',
      [],
    ]);
    expect(one('settle hanging').attributes['simple_queue.outcome']).toBe('failed');
    const points = await sdk.scrape();
    const errorOf = { 'messaging.destination.name': 'hanging', 'error.type': 'JOB_TIMEOUT' };
    expect(valueOf(points, 'messaging.process.duration', errorOf)).toMatchObject({ count: 1 });
    expect(JSON.stringify(points)).not.toContain(SECRET);
  });

  it('counts and times what happens, by queue and outcome', async () => {
    let declines = 1;
    const handler = aHandler('counted', () => {
      if (declines-- > 0) throw new Error('busy');
    });
    const options = { telemetry: telemetry({ traces: false }), backoff: constant({ delayMs: 0 }) };
    const application = await story.start({ options, providers: [handler] });
    await application.queues.enqueue('counted', {}, { uniqueKey: 'k', delayMs: 3_600_000 });
    await application.queues.enqueue('counted', {}, { uniqueKey: 'k' });
    const { id } = await application.queues.enqueue('counted', {});
    await application.queues.enqueueMany('counted', [{ payload: 1 }, { payload: 2 }]);
    await untilJobIs('succeeded', application, id);
    await eventually(() => expect(application.seen('succeeded')).toHaveLength(3));
    await loseLeases(story.database);
    await eventually(() => expect(application.seen('leaseLapsed')).toHaveLength(1));

    const tick = { schedule: 's', queue: 'counted', at: new Date() };
    application.events.emit('ticked', () => ({ ...tick, outcome: 'enqueued' }));
    application.events.emit('ticked', () => ({ ...tick, outcome: 'missed', times: 3 }));

    const flow = { id: 'w', name: 'order', attempt: 1 };
    for (const state of ['succeeded', 'failed', 'failed'] as const)
      application.events.emit('workflowEnded', () => ({ ...flow, state }));
    application.events.emit('workflowStuck', () => ({ ...flow, step: 'pay', jobId: id }));

    // A scrape does not wait for the database for long: the next one has its answer.
    const depth = { 'messaging.destination.name': 'counted', 'simple_queue.state': 'scheduled' };
    const points = await eventually(async () => {
      const scraped = await sdk.scrape();
      expect(valueOf(scraped, 'simple_queue.depth', depth)).toBe(1);
      return scraped;
    });
    const of = (name: string, attributes: object = {}) =>
      valueOf(points, name, { 'messaging.destination.name': 'counted', ...attributes });
    expect(of('simple_queue.ticks', { 'simple_queue.outcome': 'enqueued' })).toBe(1);
    expect(of('simple_queue.ticks', { 'simple_queue.outcome': 'missed' })).toBe(3);
    for (const [outcome, count] of [
      ['succeeded', 1],
      ['failed', 2],
      ['stuck', 1],
    ])
      expect(valueOf(points, 'simple_queue.workflows', { 'simple_queue.outcome': outcome })).toBe(count); // prettier-ignore
    expect(of('messaging.client.sent.messages', { 'simple_queue.outcome': 'created' })).toBe(4);
    expect(of('messaging.client.sent.messages', { 'simple_queue.outcome': 'existing' })).toBe(1);
    expect(of('messaging.client.consumed.messages')).toBe(4);
    expect(of('simple_queue.settled', { 'simple_queue.outcome': 'succeeded' })).toBe(3);
    expect(of('simple_queue.settled', { 'simple_queue.outcome': 'retried' })).toBe(1);
    const runs = points.filter(({ name, attributes }) => name === 'messaging.process.duration' && attributes['messaging.destination.name'] === 'counted'); // prettier-ignore
    expect(runs.map(({ value }) => (value as { count: number }).count).toSorted()).toEqual([1, 3]);
    expect(of('simple_queue.time_in_queue')).toMatchObject({ count: 4, min: expect.any(Number) });
    expect(
      of('messaging.client.operation.duration', { 'messaging.operation.name': 'enqueue' }),
    ).toMatchObject({ count: 4 });
    expect([
      of('simple_queue.running'),
      of('simple_queue.claimed'),
      of('simple_queue.permits'),
    ]).toEqual([0, 0, 10]);
    expect(of('simple_queue.oldest_ready.age')).toBe(0);
    expect(
      valueOf(points, 'simple_queue.polls', { 'simple_queue.poll.result': 'empty' }),
    ).toBeGreaterThan(0);
    expect(
      valueOf(points, 'simple_queue.batch.size', { 'messaging.operation.name': 'settle' }),
    ).toMatchObject({
      max: expect.any(Number),
    });
    expect(valueOf(points, 'simple_queue.lease.lapsed', {})).toBe(1);
    expect(JSON.stringify(points)).not.toContain(id);
  });

  it('lets no label grow without bound, and asks the database no more often than it is told', async () => {
    const { queues } = await story.start({
      options: { telemetry: telemetry({ depthMs: 60_000 }), worker: false },
    });
    for (let n = 0; n < 210; n++) await queues.enqueue(`tenant-${n}`, {});
    await new Rows(story.database).job({ queue: 'tenant-205', due: '-1 hour' });
    const depths = (points: Point[]) => points.filter(({ name }) => name === 'simple_queue.depth');
    const first = await eventually(async () => {
      const points = await sdk.scrape();
      expect(depths(points)).not.toEqual([]);
      return points;
    });
    await queues.enqueue('late', {});
    const second = await sdk.scrape();
    const names = (points: Point[], name: string) =>
      new Set(
        points
          .filter((point) => point.name === name)
          .map(({ attributes }) => attributes['messaging.destination.name']),
      );
    expect(names(second, 'messaging.client.sent.messages').has('_OTHER')).toBe(true);
    expect(names(second, 'messaging.client.sent.messages').size).toBeLessThan(220);
    expect(depths(second)).toEqual(depths(first));
    const other = { 'messaging.destination.name': '_OTHER' };
    expect(valueOf(first, 'simple_queue.depth', { ...other, 'simple_queue.state': 'ready' })).toBeGreaterThanOrEqual(11); // prettier-ignore
    expect(valueOf(first, 'simple_queue.oldest_ready.age', other)).toBeGreaterThan(3_000);
  });

  it('says how limits are used, and what waits for them', async () => {
    const gate = aGate();
    const { queues, storage } = await story.start({
      options: { telemetry: telemetry({ depthMs: 0 }), queues: { held: { fleetConcurrency: 1 } } },
      providers: [aHandler('held', () => gate.passed)],
    });
    await queues.enqueueMany('held', [{ payload: 1 }, { payload: 2 }, { payload: 3 }]);
    await eventually(async () => {
      const points = await sdk.scrape();
      const of = (name: string) =>
        valueOf(points, `simple_queue.limit.${name}`, { 'simple_queue.limit': 'held' });
      expect([of('permits'), of('given'), of('rest')]).toEqual([1, 1, 0]);
      expect(of('wanted')).toBeGreaterThan(0);
    });
    await storage.limits.hold('held', true, 60_000);
    await eventually(
      async () =>
      expect(valueOf(await sdk.scrape(), 'simple_queue.limit.rest', { 'simple_queue.limit': 'held' })).toBeGreaterThan(0), // prettier-ignore
    );
    await storage.limits.reset('held', true);
    gate.open();
  });

  it('ends with its application: a scrape hears nothing of it any more', async () => {
    const own = new TestTelemetry();
    const options = { telemetry: telemetry({ meterProvider: own.meterProvider }) };
    const application = await story.start({
      options,
      providers: [aHandler('ended', () => undefined)],
    });
    await application.close();
    expect((await own.scrape()).filter(({ name }) => /permits|depth/.test(name))).toEqual([]);
    await own.close();
  });

  it.each([{ traces: 'all' }, { depthMs: -1 }, { metric: true }, null])(
    'refuses wrong options: %j',
    (options) => {
      expect(() => openTelemetry(options as never)).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION' }),
      );
    },
  );
});

describe('telemetry that fails', () => {
  const story = aStory(PATIENT);
  const broken = () => {
    throw new Error('no collector');
  };

  it.each<[string, Telemetry]>([
    ['throws', { start: broken, enqueue: broken, process: broken }],
    ['throws afterwards', { start: () => broken, enqueue: async (_, next) => (await next(), broken()), process: async (_, next) => (await next(), broken()) }], // prettier-ignore
    [
      'forgets to go on',
      {
        start: () => () => undefined,
        enqueue: () => Promise.resolve(),
        process: () => Promise.resolve(),
      },
    ],
  ])('keeps no job from being stored and run, once, where it %s', async (_, telemetry) => {
    let runs = 0;
    const application = await story.start({
      options: { telemetry },
      providers: [aHandler('robust', () => void runs++)],
    });
    const { id } = await application.queues.enqueue('robust', {});
    await untilJobIs('succeeded', application, id);
    expect(runs).toBe(1);
  });
});
