import { rest } from '../worker/clock.js';
import { machineSeconds, treeSeconds } from './processes.js';

/** Cores that other processes may use in a sample that counts. */
export const NOISE_LIMIT = 0.1;
const LOOK_MS = 250;
/** A machine that is never quiet must not hold a run up for ever: so much waiting a run, so much a sample. */
const MAX_WAIT_MS = { run: 300_000, sample: 20_000 };

/** Knows what other processes use, and waits for the machine to be quiet. */
export class Quiet {
  waitedMs = 0;

  constructor(limits = {}) {
    this.limits = { ...MAX_WAIT_MS, ...limits };
  }

  start() {
    return { at: performance.now(), machine: machineSeconds(), own: treeSeconds(process.pid) };
  }

  /** Cores that others used since `start`. */
  othersSince(start) {
    const seconds = (performance.now() - start.at) / 1_000;
    const others = machineSeconds() - start.machine - (treeSeconds(process.pid) - start.own);
    return Math.max(0, others / seconds);
  }

  async wait() {
    const startedAt = performance.now();
    while (this.mayWait(performance.now() - startedAt)) {
      const start = this.start();
      await rest(LOOK_MS);
      if (this.othersSince(start) < NOISE_LIMIT) break;
    }
    this.waitedMs += performance.now() - startedAt - LOOK_MS;
  }

  mayWait(inSample) {
    return inSample < this.limits.sample && this.waitedMs + inSample < this.limits.run;
  }
}
