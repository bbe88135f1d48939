import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
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
  /** It has ended, and all that it said was heard. */
  private isSilent = false;

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
    this.process.once('close', () => (this.isSilent = true));
    this.process.stderr!.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
  }

  /** Waits until it has said something that `matches`; it fails as soon as nothing more can come. */
  async says(
    matches: (line: Record<string, unknown>) => boolean,
  ): Promise<Record<string, unknown>> {
    const line = await eventually(
      () => {
        const line = this.said.find(matches);
        if (line || this.isSilent) return line;
        throw this.silence();
      },
      { timeoutMs: 20_000 },
    );
    if (!line) throw this.silence();
    return line;
  }

  private silence(): Error {
    const { exitCode, signalCode } = this.process;
    return new Error(
      `The child has not said it (exit ${exitCode ?? signalCode}). ${this.errors.slice(-2_000)}`,
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

  /** Exit code, or the signal that ended it; all that it said was heard. */
  async exited(): Promise<number | NodeJS.Signals> {
    await eventually(() => this.isSilent, { timeoutMs: EXIT_MS });
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

/** What a process writes first; it fails with its errors where it ends without a word. */
export async function firstWords(child: ChildProcessWithoutNullStreams): Promise<string> {
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const words = once(child.stdout, 'data') as Promise<[Buffer]>;
  const end = once(child, 'close').then(([code]) => `The child has said nothing (exit ${code}). `);
  const first = await Promise.race([words, end]);
  if (typeof first === 'string') throw new Error(first + errors);
  return first[0].toString();
}
