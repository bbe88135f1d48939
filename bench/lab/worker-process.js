import { fork } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = join(dirname(fileURLToPath(import.meta.url)), '..', 'worker', 'main.js');
const DEFAULT_LIMIT_MS = 180_000;

/** A child process of one system, as its parent sees it. Every question has a time limit. */
export class WorkerProcess {
  static async start({ execPath, system, settings, execArgv = [] }) {
    const options = {
      execPath,
      execArgv,
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    };
    const worker = new WorkerProcess(fork(MAIN, [system, JSON.stringify(settings)], options));
    await worker.ready;
    return worker;
  }

  /** What it has told of its progress. */
  done = 0;
  onProgress = () => undefined;
  stderr = '';
  calls = new Map();
  nextId = 1;

  constructor(child) {
    this.child = child;
    child.stderr.on('data', (chunk) => (this.stderr = (this.stderr + chunk).slice(-4_000)));
    child.on('message', (message) => this.hear(message));
    this.ready = this.expect('ready', 60_000);
    child.on('exit', (code, signal) =>
      this.fail(new Error(`The worker process ended (${signal ?? code}): ${this.stderr}`)),
    );
  }

  call(command, order, { limitMs = DEFAULT_LIMIT_MS } = {}) {
    const id = this.nextId++;
    this.child.send({ id, command, order });
    return this.expect(id, limitMs, command);
  }

  /** Lets it close its connections, then ends it in any case. */
  async stop() {
    await this.call('close', {}, { limitMs: 8_000 }).catch(() => undefined);
    this.kill();
  }

  kill() {
    this.child.removeAllListeners('exit');
    this.child.kill('SIGKILL');
  }

  expect(id, limitMs, what = id) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`No answer to "${what}" in ${limitMs} ms. ${this.stderr}`)),
        limitMs,
      );
      this.calls.set(id, { resolve, reject, timer });
    });
  }

  hear(message) {
    if (message.ready) return this.settle('ready', (call) => call.resolve());
    if (message.done !== undefined) {
      this.done = message.done;
      return this.onProgress();
    }
    const { id, error, result } = message;
    return this.settle(id, (call) =>
      error ? call.reject(new Error(error)) : call.resolve(result),
    );
  }

  settle(id, how) {
    const call = this.calls.get(id);
    if (!call) return;
    clearTimeout(call.timer);
    this.calls.delete(id);
    how(call);
  }

  fail(error) {
    for (const id of [...this.calls.keys()]) this.settle(id, (call) => call.reject(error));
  }
}
