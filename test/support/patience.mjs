/** What `work` takes on an idle core of a server of 2023. */
const QUIET_MS = 140;
/** Nobody waits for a limit that is not reached, so it may be generous. */
const GENEROUS = 3;
const LONGEST = 30;

/**
 * How much longer than on an idle machine anything takes here: at least 1. The first process of a run measures it; its children find it
 * in their environment, so that all of them have one measure.
 */
export const SLOWNESS = Number((process.env.SQ_TEST_SLOWNESS ??= String(measured())));

/** A time limit of a test, in milliseconds. It ends what hangs, not what is slow, so it grows with the load of the machine. */
export const patient = (ms) => Math.round(ms * GENEROUS * SLOWNESS);

/** A time, in milliseconds, that the library is told and in which it has to do something: more on a busy machine. */
export const scaled = (ms) => Math.round(ms * SLOWNESS);

function measured() {
  const startedAt = performance.now();
  work();
  return Math.min(LONGEST, Math.max(1, (performance.now() - startedAt) / QUIET_MS));
}

function work() {
  let sum = 0;
  for (let round = 0; round < 3e7; round++) sum = (sum * 31 + round) | 0;
  return sum;
}
