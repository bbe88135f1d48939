import type { Counter, Histogram, Meter } from '@opentelemetry/api';

/** The conventions' boundaries, in seconds, and longer ones: a job may wait for days. */
const DURATIONS = [
  0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200, 86_400,
];
const SIZES = [0, 1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000];

/** What is recorded when it happens, seldom enough. */
export interface Recorders {
  runTime: Histogram;
  timeInQueue: Histogram;
  operation: Histogram;
  batchSize: Histogram;
  polls: Counter;
  lapsedLeases: Counter;
  reaped: Counter;
  loopFailures: Counter;
  ticks: Counter;
  workflows: Counter;
}

export const recordersOf = (meter: Meter): Recorders => ({
  ...histogramsOf(meter),
  ...countersOf(meter),
});

function histogramsOf(meter: Meter) {
  const of = (buckets: number[], unit: string) => (name: string, description: string) =>
    meter.createHistogram(name, {
      description,
      unit,
      advice: { explicitBucketBoundaries: buckets },
    });
  const seconds = of(DURATIONS, 's');
  const messages = of(SIZES, '{message}');
  return {
    runTime: seconds(
      'messaging.process.duration',
      'How long handlers ran; above 1,000 runs a second and queue, of a sample',
    ),
    timeInQueue: seconds(
      'simple_queue.time_in_queue',
      'From the time a job was due to its start; sampled likewise',
    ),
    operation: seconds(
      'messaging.client.operation.duration',
      'How long enqueue calls and polls took',
    ),
    batchSize: messages(
      'simple_queue.batch.size',
      'Jobs of one statement that claims, or settles successes',
    ),
  };
}

function countersOf(meter: Meter) {
  const counter = (name: string, unit: string, description: string): Counter =>
    meter.createCounter(name, { description, unit });
  return {
    polls: counter(
      'simple_queue.polls',
      '{poll}',
      'Polls by what they brought: as much as was asked for, a part, or nothing',
    ),
    lapsedLeases: counter('simple_queue.lease.lapsed', '{lease}', 'Leases of this process that were lost'), // prettier-ignore
    reaped: counter('simple_queue.reaped', '{message}', 'Jobs taken back from silent workers'),
    ticks: counter(
      'simple_queue.ticks',
      '{tick}',
      'Times of schedules that this process decided, by what became of them',
    ),
    workflows: counter('simple_queue.workflows', '{workflow}', 'Ended by this process, or stuck'),
    loopFailures: counter(
      'simple_queue.loop.failures',
      '{failure}',
      'Rounds of a loop that an error of the database ended',
    ),
  };
}
