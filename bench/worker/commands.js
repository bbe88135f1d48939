import { now, rest } from './clock.js';
import { lateJob } from './late-job.js';
import { produce } from './producer.js';
import { Profiler } from './profiler.js';
import { handlerOf, Tally } from './tally.js';
import { transactions } from './transactions.js';

const FILL_CHUNK = 20_000;
/** How often a process tells how far it is; the last job is told at once. */
const TELL_MS = 5;

/** What the parent may ask of a worker process: the same commands for every system. */
export class Commands {
  tally = new Tally();
  profiler = new Profiler();
  usage = { cpu: process.cpuUsage(), at: now() };

  constructor(system, settings, tell) {
    this.system = system;
    this.settings = settings;
    this.tell = tell;
  }

  /** Stores `count` jobs in bulk: `kind` bulk, later or elsewhere. */
  async fill({ from = 0, count, kind = 'bulk' }) {
    const start = now();
    for (let done = 0; done < count; done += FILL_CHUNK) {
      const size = Math.min(FILL_CHUNK, count - done);
      await this.system[kind](Array.from({ length: size }, (_, index) => from + done + index));
    }
    return { ms: now() - start };
  }

  /** The same in one call, timed: what an application with all its jobs at hand would do. */
  async bulk({ count }) {
    const numbers = Array.from({ length: count }, (_, index) => index);
    const start = now();
    await this.system.bulk(numbers);
    return { ms: now() - start };
  }

  /** Starts a workflow: `kind` chain or fan; timed. */
  async flow({ kind, count }) {
    const start = now();
    await this.system.flow(kind, count);
    return { ms: now() - start };
  }

  produce(order) {
    return produce(this.system, order);
  }

  transactions(order) {
    return transactions(this.system, { ...order, url: this.settings.url });
  }

  /** Starts working; answers when the system says that it has started. */
  async work({ handler, expected, numbers, ioMs }) {
    const tally = (this.tally = new Tally({ expected, numbers }));
    const settings = { ioMs, groups: this.settings.groups };
    clearInterval(this.teller);
    this.teller = setInterval(() => this.tell({ done: tally.done }), TELL_MS);
    tally.onMark = (done) => this.tell({ done });
    tally.startAt = now();
    await this.system.start(
      handlerOf(handler, { tally, settings, numberOf: this.system.numberOf }),
    );
    return {};
  }

  /** Stops working; the process stays as it is and may work again. */
  async pause() {
    await this.system.stop();
    clearInterval(this.teller);
    return { done: this.tally.done };
  }

  report() {
    const { done, startAt, firstAt, marks, disorder } = this.tally;
    return { done, startAt, firstAt, marks, disorder };
  }

  claimTimes() {
    return this.system.claimTimes();
  }

  lateJob(order) {
    return lateJob(this.settings.url, order);
  }

  stamps() {
    return { stamps: this.tally.stamps, runs: this.tally.runs };
  }

  /** CPU since the last call, and the most memory that this process ever held. */
  resources() {
    const cpu = process.cpuUsage(this.usage.cpu);
    const seconds = (cpu.user + cpu.system) / 1e6;
    this.usage = { cpu: process.cpuUsage(), at: now() };
    return { cpuSeconds: seconds, rssBytes: process.resourceUsage().maxRSS * 1_024 };
  }

  profile() {
    return this.profiler.start();
  }

  profiled() {
    return this.profiler.stop();
  }

  async close() {
    clearInterval(this.teller);
    await Promise.race([this.system.close(), rest(5_000)]);
    return {};
  }
}
