/** Below this time a rate says little; what ran meanwhile counts on. */
const WINDOW_MS = 2;

/** Runs of a lane that ended in the time that there was something to run. */
export class Rate {
  perMs = 0;
  private finished = 0;
  private busySince = 0;
  private busyMs = 0;

  /** There is something to run again. */
  began(): void {
    this.busySince = performance.now();
  }

  /** Bursts shorter than the window are added up: a lane that is drained in no time is fast, not unmeasured. True: it is measured again. */
  ended(now: number, isIdle: boolean): boolean {
    this.finished++;
    const busyMs = this.busyMs + now - this.busySince;
    if (busyMs < WINDOW_MS) {
      if (isIdle) this.busyMs = busyMs;
      return false;
    }
    this.perMs = 0.5 * this.perMs + (0.5 * this.finished) / busyMs;
    this.finished = this.busyMs = 0;
    this.busySince = now;
    return true;
  }
}
