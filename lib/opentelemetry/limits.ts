import { diag, type BatchObservableCallback, type Meter } from '@opentelemetry/api';
import type { LimitLoad, TelemetrySource } from '../observability/telemetry.js';
import { RecentAnswer } from '../runtime/recent-answer.js';
import { LATE } from '../runtime/within.js';
import { PATIENCE_MS } from './depth.js';
import { ATTRIBUTE } from './names.js';
import type { Tallies } from './tallies.js';

interface LimitParts {
  meter: Meter;
  source: TelemetrySource;
  depthMs: number;
}

/** How limits across the fleet are used, and what waits for them; asked as seldom as the depth. */
export function observeLimits(
  { meter, source, depthMs }: LimitParts,
  { attributes }: Pick<Tallies, 'attributes'>,
): () => void {
  const recent = new RecentAnswer(() => source.limits(), depthMs);
  const gauge = (name: string, description: string, unit = '{permit}') =>
    meter.createObservableGauge(`simple_queue.limit.${name}`, { unit, description });
  const gauges: [ReturnType<typeof gauge>, (limit: LimitLoad) => number][] = [
    [gauge('permits', 'How many may run at once; 0: any'), ({ permits }) => permits ?? 0],
    [gauge('given', 'Permits that processes and calls have'), ({ given }) => given],
    [gauge('wanted', 'Permits that they would have besides'), ({ wanted }) => wanted],
    [gauge('rest', 'How long nothing starts', 's'), ({ restMs }) => restMs / 1_000],
  ];
  const observe: BatchObservableCallback = async (result) => {
    try {
      const loads = await recent.get(PATIENCE_MS);
      const limits = loads === LATE ? [] : loads;
      for (const [each, of] of gauges)
        for (const load of limits)
          result.observe(each, of(load), { ...attributes, [ATTRIBUTE.limit]: load.limit });
    } catch (error) {
      diag.warn('nestjs-simple-queue: the limits could not be read', error);
    }
  };
  const all = gauges.map(([each]) => each);
  meter.addBatchObservableCallback(observe, all);
  return () => meter.removeBatchObservableCallback(observe, all);
}
