import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ifThere } from './files.js';
import { hasLeft } from './folders.js';

interface Seen {
  mtimeMs: number;
  silentMs: number;
}

/**
 * Finds the folders of dead processes by looking on: a live process changes the time of its folder again and again. That time is compared with
 * nothing but itself, so clocks may be wrong, and may be set meanwhile.
 */
export class Watch {
  private seen = new Map<string, Seen>();
  private lookedAt = performance.now();

  constructor(private readonly staleMs: number) {}

  /** Those that did not change for `staleMs`, or whose process has said that it ends. */
  async dead(root: string, names: readonly string[]): Promise<string[]> {
    const [before, now] = [this.seen, performance.now()];
    // A long pause may be this process's own: whoever was paused along gets the time to say that it lives.
    const passedMs = Math.min(now - this.lookedAt, this.staleMs / 2);
    this.seen = new Map();
    this.lookedAt = now;
    for (const name of names) {
      const mtimeMs = (await ifThere(stat(join(root, name))))?.mtimeMs;
      if (mtimeMs === undefined) continue;
      const last = before.get(name);
      const silentMs = last?.mtimeMs === mtimeMs ? last.silentMs + passedMs : 0;
      this.seen.set(name, { mtimeMs, silentMs: hasLeft(mtimeMs) ? Infinity : silentMs });
    }
    return [...this.seen.keys()].filter((name) => this.seen.get(name)!.silentMs > this.staleMs);
  }
}
