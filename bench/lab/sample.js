import { now, rest } from '../worker/clock.js';

const JOBS_OF_CPU = 100_000;
const LOOK_MS = 2;

/** One measurement in the making: its processes, its database, and the figures that every measurement has. */
export class Sample {
  workers = [];
  /** Jobs of the warm-up that a slow system did not get to. */
  leftOver = 0;

  constructor({ lab, variant, target, settings }) {
    this.lab = lab;
    this.variant = variant;
    this.target = target;
    this.settings = { ...settings, ...target.settings };
  }

  /** Processes of the system under measurement. */
  async spawn(count = 1, { settings = {}, execArgv } = {}) {
    const starting = Array.from({ length: count }, () =>
      this.lab.spawn(this.variant, { ...this.settings, ...settings }, execArgv),
    );
    const workers = await Promise.all(starting);
    this.workers.push(...workers);
    return workers;
  }

  /** Stores jobs through a process that is not measured. */
  async fill(order) {
    this.filler ??= (await this.spawn(1))[0];
    await this.filler.call('fill', order);
  }

  /** Warms code and connections with a few jobs; a slow system gets as far as it gets. */
  async warm(workers, count, limitMs = 2_000) {
    await this.fill({ count });
    if (await this.workUntil(workers, count, { limitMs, handler: 'noop' }))
      await this.untilDrained(limitMs);
    const paused = await Promise.all(workers.map((worker) => worker.call('pause')));
    this.leftOver = Math.max(0, count - paused.reduce((sum, { done }) => sum + done, 0));
  }

  /** Starts the workers and waits until they have run `count` jobs between them, or `limitMs` have passed. */
  async workUntil(workers, count, { limitMs, ...order }) {
    for (const worker of workers) worker.done = 0;
    const reached = this.untilDone(workers, count, limitMs);
    await Promise.all(workers.map((worker) => worker.call('work', { expected: count, ...order })));
    return reached;
  }

  untilDone(workers, count, limitMs) {
    return new Promise((resolve) => {
      const finish = (complete) => {
        clearTimeout(timer);
        for (const worker of workers) worker.onProgress = () => undefined;
        resolve(complete);
      };
      const timer = setTimeout(() => finish(false), limitMs);
      const check = () =>
        workers.reduce((sum, worker) => sum + worker.done, 0) >= count && finish(true);
      for (const worker of workers) worker.onProgress = check;
    });
  }

  /** Until the database says that nothing is left; answers when it said so. */
  async untilDrained(limitMs) {
    for (const deadline = now() + limitMs; now() < deadline; await rest(LOOK_MS))
      if (await this.target.isDrained()) return now();
    return now();
  }

  /**
   * What happens in `run`, with everything that is recorded of it: CPU of database and workers, log written, statements, and what other
   * processes used meanwhile. `run` answers with `jobs` (how many the figures are for) and its own figures.
   */
  async measured(workers, run) {
    await this.lab.quiet.wait();
    await Promise.all(workers.map((worker) => worker.call('resources')));
    const before = await this.target.counters();
    const quietBefore = this.lab.quiet.start();
    const figures = await run();
    const others = this.lab.quiet.othersSince(quietBefore);
    const after = await this.target.counters();
    const used = await Promise.all(workers.map((worker) => worker.call('resources')));
    return { ...figures, ...figuresOf({ before, after, used }, figures.jobs), othersCores: others };
  }

  /** What the database tells when the clients are gone. */
  async afterwards(jobs) {
    await this.stopWorkers();
    const { commits, dead, size } = await this.target.remains();
    return { commitsPerJob: commits / jobs, deadPerJob: dead / jobs, sizeBytes: size };
  }

  async stopWorkers() {
    const workers = this.workers.splice(0);
    this.filler = undefined;
    await Promise.all(workers.map((worker) => worker.stop()));
  }

  async end() {
    for (const worker of this.workers) worker.kill();
  }
}

function figuresOf({ before, after, used }, jobs) {
  const share = JOBS_OF_CPU / jobs;
  return {
    databaseCpu: (after.cpu - before.cpu) * share,
    workerCpu: used.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0) * share,
    walPerJob: (after.wal - before.wal) / jobs,
    statementsPerJob: (after.statements - before.statements) / jobs,
    rssBytes: Math.max(...used.map(({ rssBytes }) => rssBytes)),
  };
}
