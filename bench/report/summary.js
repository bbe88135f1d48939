import { NOISE_LIMIT } from '../lab/quiet.js';
import { median } from './statistics.js';

/**
 * Medians of a cell's samples, figure by figure. Samples in which others used the machine are left out, unless there are no others:
 * then the cell is marked. The first sample of several counted its statements, which costs some per cent, and gives those alone.
 */
export function summarise(samples) {
  const timed = samples.length > 1 ? samples.filter((sample) => !sample.counted) : samples;
  const clean = timed.filter((sample) => sample.othersCores <= NOISE_LIMIT);
  const used = clean.length > 0 ? clean : timed;
  const figures = Object.fromEntries(
    numberKeys(used[0] ?? {}).map((key) => [key, median(used.map((sample) => sample[key]))]),
  );
  const counted = samples.find((sample) => sample.counted);
  if (counted) figures.statementsPerJob = counted.statementsPerJob;
  return {
    ...figures,
    samples: used.length,
    noisy: clean.length === 0,
    leftOut: timed.length - used.length,
  };
}

const numberKeys = (sample) => Object.keys(sample).filter((key) => typeof sample[key] === 'number');

export const isClean = (sample) => sample.othersCores <= NOISE_LIMIT;
