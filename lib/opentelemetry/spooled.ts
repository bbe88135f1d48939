import type { BatchObservableResult, Meter } from '@opentelemetry/api';
import type { TelemetrySource } from '../observability/telemetry.js';
import type { Tallies } from './tallies.js';

/** What waits on this machine's disk; asked of nobody but this process. Nothing is made where there is no spool. */
export function observeSpool(
  meter: Meter,
  { spool }: Pick<TelemetrySource, 'spool'>,
  { attributes }: Pick<Tallies, 'attributes'>,
): () => void {
  if (!spool) return () => undefined;
  const gauge = (name: string, unit: string, description: string) =>
    meter.createObservableGauge(name, { unit, description });
  const jobs = gauge('simple_queue.spool.jobs', '{message}', 'Jobs on the disk that wait for the database'); // prettier-ignore
  const size = gauge('simple_queue.spool.size', 'By', 'Bytes that they take there');
  const aside = gauge('simple_queue.spool.aside', '{message}', 'Jobs of the spool that were refused and wait for a person'); // prettier-ignore
  const tell = (result: BatchObservableResult): void => {
    const now = spool();
    result.observe(jobs, now.jobs, attributes);
    result.observe(size, now.bytes, attributes);
    result.observe(aside, now.aside, attributes);
  };
  const all = [jobs, size, aside];
  meter.addBatchObservableCallback(tell, all);
  return () => meter.removeBatchObservableCallback(tell, all);
}
