import { diag, type Attributes, type Meter, type ObservableCallback } from '@opentelemetry/api';
import type { Trouble } from '../job/trouble.js';
import type { TelemetrySource } from '../observability/telemetry.js';
import { RecentAnswer } from '../runtime/recent-answer.js';
import { LATE } from '../runtime/within.js';
import { PATIENCE_MS } from './depth.js';
import { ATTRIBUTE } from './names.js';
import type { Tallies } from './tallies.js';

interface TroubleParts {
  meter: Meter;
  source: TelemetrySource;
  depthMs: number;
}

interface Point {
  sum: number;
  attributes: Attributes;
}

/** What waits for a person, by code and queue; asked as seldom as the depth. */
export function observeTroubles(
  { meter, source, depthMs }: TroubleParts,
  tallies: Tallies,
): () => void {
  const recent = new RecentAnswer(() => source.troubles(), depthMs);
  const points = new Map<string, Point>();
  const gauge = meter.createObservableGauge('simple_queue.troubles', {
    unit: '{trouble}',
    description: 'Jobs, groups, sessions or partitions that wait for a person; counted up to 1,000',
  });
  const observe: ObservableCallback = async (result) => {
    try {
      const troubles = await recent.get(PATIENCE_MS);
      if (troubles === LATE) return;
      count(troubles, points, tallies);
      for (const { sum, attributes } of points.values()) result.observe(sum, attributes);
    } catch (error) {
      diag.warn('nestjs-simple-queue: what waits for a person could not be read', error);
    }
  };
  gauge.addCallback(observe);
  return () => gauge.removeCallback(observe);
}

/**
 * A queue may have a code several times, by names of jobs. What is over is reported as 0: the SDK would go on exporting its last count. Codes and
 * names of queues are few, so the points are too.
 */
function count(troubles: Trouble[], points: Map<string, Point>, tallies: Tallies): void {
  for (const point of points.values()) point.sum = 0;
  for (const { code, queue, count: more } of troubles) {
    const own = queue === undefined ? tallies.attributes : tallies.of(queue).attributes;
    const key = JSON.stringify([code, own[ATTRIBUTE.queue]]);
    const point = points.get(key) ?? { sum: 0, attributes: { ...own, [ATTRIBUTE.trouble]: code } };
    point.sum += more;
    points.set(key, point);
  }
}
