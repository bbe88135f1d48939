import { Session } from 'node:inspector/promises';

/** V8's own sampling profiler: what `node --cpu-prof` writes, for the part of a process's life that is of interest. */
export class Profiler {
  async start() {
    this.session = new Session();
    this.session.connect();
    await this.session.post('Profiler.enable');
    await this.session.post('Profiler.setSamplingInterval', { interval: 200 });
    await this.session.post('Profiler.start');
    return {};
  }

  async stop() {
    const { profile } = await this.session.post('Profiler.stop');
    this.session.disconnect();
    return { profile };
  }
}
