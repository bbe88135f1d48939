import { now } from './clock.js';

/** What one process has worked: how many, when the first, when each tenth. Costs a handler an addition and a comparison. */
export class Tally {
  done = 0;
  firstAt = 0;
  marks = [];
  nextMark = 1;
  step = Infinity;
  /** When job n started, for the handlers that write it down. */
  stamps = undefined;
  /** How often job n was run, for the handlers that check it. */
  runs = undefined;
  /** Jobs that started after a later one of their group, for the handler that looks. */
  disorder = 0;
  waiters = [];

  constructor({ expected = 0, numbers = 0 } = {}) {
    if (expected > 0) this.step = Math.max(1, Math.floor(expected / 10));
    if (numbers > 0) this.stamps = new Float64Array(numbers);
    if (numbers > 0) this.runs = new Uint8Array(numbers);
  }

  count() {
    this.done++;
    if (this.done >= this.nextMark) this.mark();
  }

  mark() {
    const at = now();
    if (this.done === 1) {
      this.firstAt = at;
      this.nextMark = this.step;
      return;
    }
    this.marks.push(at);
    this.nextMark += this.step;
    this.onMark?.(this.done);
  }
}

const HANDLERS = {
  /** Does nothing, as an async function does nothing. */
  noop: (tally) => async () => tally.count(),
  /** Jobs of a group are numbered in the order in which they were stored. */
  inOrder: (tally, { groups }, numberOf) => {
    const last = new Float64Array(groups).fill(-1);
    return async (job) => {
      const n = numberOf(job);
      if (n < last[n % groups]) tally.disorder++;
      last[n % groups] = n;
      tally.count();
    };
  },
  /** Waits as for an answer from the network. */
  io:
    (tally, { ioMs }) =>
    () =>
      new Promise((resolve) =>
        setTimeout(() => {
          tally.count();
          resolve();
        }, ioMs),
      ),
  /** Reads its payload and notes when it started. */
  stamp: (tally, _, numberOf) => async (job) => {
    const n = numberOf(job);
    if (tally.stamps[n] === 0) tally.stamps[n] = now();
    tally.runs[n]++;
    tally.count();
  },
  /** Notes when it started, then waits. */
  stampIo:
    (tally, { ioMs }, numberOf) =>
    (job) => {
      const n = numberOf(job);
      if (tally.stamps[n] === 0) tally.stamps[n] = now();
      tally.count();
      return new Promise((resolve) => setTimeout(resolve, ioMs));
    },
  /** One job in ten fails at its first run. */
  flaky: (tally, _, numberOf) => {
    const failed = new Set();
    return async (job) => {
      const n = numberOf(job);
      if (n % 10 === 0 && !failed.has(n)) {
        failed.add(n);
        throw new Error('fails once');
      }
      tally.count();
    };
  },
  /** Never ends by itself. */
  hold: (tally) => () => {
    tally.count();
    return new Promise(() => undefined);
  },
};

export function handlerOf(kind, { tally, settings, numberOf }) {
  return HANDLERS[kind](tally, settings, numberOf);
}
