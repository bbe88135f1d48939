import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { compiled } from './compiled.mjs';
import { eventually } from './eventually.js';

/** Longer than any drain of a test. */
const EXIT_MS = 25_000;

/** Whatever becomes of the test, no child outlives it. */
const living = new Set<ChildProcess>();
process.once('exit', () => living.forEach((child) => child.kill('SIGKILL')));

/** A process of its own that runs a TypeScript file; what it prints as JSON lines is kept. */
export class Child {
  readonly said: Record<string, unknown>[] = [];
  private readonly process: ChildProcess;
  private errors = '';

  /** `preload`: modules to import before the file, as `node --import` does. */
  constructor(file: URL, env: Record<string, string>, preload: URL[] = []) {
    const imports = preload.flatMap((url) => ['--import', url.href]);
    this.process = spawn(process.execPath, [...imports, compiled(file)], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    createInterface({ input: this.process.stdout! }).on('line', (line) => this.hear(line));
    living.add(this.process);
    this.process.once('exit', () => living.delete(this.process));
    this.process.stderr!.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
  }

  /** Waits until it has said something that `matches`. */
  async says(
    matches: (line: Record<string, unknown>) => boolean,
  ): Promise<Record<string, unknown>> {
    return eventually(
      () => {
        const line = this.said.find(matches);
        if (!line)
          throw new Error(
            `The child has not said it (exit ${this.process.exitCode}). ${this.errors.slice(-2_000)}`,
          );
        return line;
      },
      { timeoutMs: 20_000 },
    );
  }

  async ready(): Promise<this> {
    await this.says((line) => line.event === 'ready');
    return this;
  }

  get pid(): number {
    return this.process.pid!;
  }

  signal(name: NodeJS.Signals): void {
    this.process.kill(name);
  }

  get hasExited(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** Exit code, or the signal that ended it. */
  async exited(): Promise<number | NodeJS.Signals> {
    await eventually(() => this.hasExited, { timeoutMs: EXIT_MS });
    return this.process.exitCode ?? this.process.signalCode!;
  }

  async kill(): Promise<void> {
    if (this.hasExited) return;
    this.process.kill('SIGKILL');
    await this.exited();
  }

  private hear(line: string): void {
    try {
      this.said.push(JSON.parse(line) as Record<string, unknown>);
    } catch {
      this.errors += `${line}\n`;
    }
  }
}
