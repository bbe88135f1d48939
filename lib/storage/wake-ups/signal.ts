/**
 * What wakes a worker: lanes with jobs that are ready, jobs that are ready `anywhere`, running jobs that were asked to stop, what the promoter finds
 * (`later`: jobs that are due later, vacant turns, suspects), queues that were paused or resumed, lanes that have jobs of fair queues, schedules that were
 * written, jobs that wait for a permit of their key. Each word stands for itself: two signals say together what both say.
 */
export interface Signal {
  lanes: number[];
  anywhere?: boolean;
  cancel?: boolean;
  later?: boolean;
  pauses?: boolean;
  fair?: boolean;
  schedules?: boolean;
  keyed?: boolean;
  lateMs?: number;
}

/** How a NOTIFY says so. */
const FLAGS = {
  a: 'anywhere',
  c: 'cancel',
  l: 'later',
  p: 'pauses',
  f: 'fair',
  s: 'schedules',
  k: 'keyed',
} as const;
const FLAG_WORDS = Object.entries(FLAGS);
/** More lanes than this in one NOTIFY mean "look everywhere" (a payload holds 8,000 bytes). */
const MAX_LANES = 200;

/** What the next NOTIFY says: the words of all signals since the last one. */
export class Unsent {
  private readonly lanes = new Set<number>();
  private readonly flags = new Set<string>();
  private lateMs = 0;

  add(signal: Signal): void {
    for (const lane of signal.lanes) this.lanes.add(lane);
    for (const [flag, word] of FLAG_WORDS) if (signal[word]) this.flags.add(flag);
    this.lateMs = Math.max(this.lateMs, Math.round(signal.lateMs ?? 0));
  }

  take(): string | undefined {
    if (this.lanes.size === 0 && this.flags.size === 0) return undefined;
    if (this.lanes.size > MAX_LANES) this.flags.add('a');
    const lanes = this.flags.has('a') ? [] : [...this.lanes];
    const words = [
      [...this.flags].join(''),
      lanes.join(','),
      ...(this.lateMs > 0 ? [this.lateMs] : []),
    ];
    this.lanes.clear();
    this.flags.clear();
    this.lateMs = 0;
    return words.join(' ');
  }
}

/** What the words of a NOTIFY say. */
export function signalOf([flags = '', lanes, lateMs]: string[]): Signal {
  const signal: Signal = { lanes: lanes ? lanes.split(',').map(Number) : [] };
  if (lateMs) signal.lateMs = Number(lateMs);
  for (const [flag, word] of FLAG_WORDS) if (flags.includes(flag)) signal[word] = true;
  return signal;
}
