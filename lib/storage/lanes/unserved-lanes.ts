import { closestWord } from '../../runtime/closest-word.js';
import { outside } from '../../runtime/outside.js';
import { laneText } from '../../runtime/words.js';
import type { Lane } from '../../job/lane.js';
import type { Database } from '../connection/database.js';
import { FIND_UNSERVED } from './list-lanes.sql.js';

/** A worker of a pattern finds a new queue within seconds, and one that is deployed along is up by then. */
const PATIENCE_MS = 30_000;
/** Enough to be reported: whoever has more of them knows by now. */
const MAX_TOLD = 1_000;
/** Names to guess from. */
const MAX_NAMES = 1_000;

/**
 * Says once of each lane that this process enqueues to and that no worker has served by then. In a process without a worker: a worker says
 * itself what it has no handler for. Costs a statement where there is such a lane, and nothing else.
 */
export class UnservedLanes {
  private noted = 0;
  private waiting: number[] = [];
  private due: number[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    private readonly warn: (warning: { code: string; message: string }) => void,
    private readonly patienceMs = PATIENCE_MS,
  ) {}

  note(lane: number): void {
    if (this.noted >= MAX_TOLD) return;
    this.noted++;
    this.waiting.push(lane);
    if (!this.timer) this.arm();
  }

  close(): void {
    clearTimeout(this.timer);
    this.noted = MAX_TOLD;
  }

  /** Each waits for one of these times at least. */
  private arm(): void {
    this.timer = outside(() => setTimeout(() => void this.look(), this.patienceMs)).unref();
  }

  private async look(): Promise<void> {
    const { due } = this;
    [this.due, this.waiting, this.timer] = [this.waiting, [], undefined];
    if (this.due.length > 0) this.arm();
    // What cannot be looked up is not worth an error.
    const lanes = due.length > 0 ? await this.find(due).catch(() => []) : [];
    for (const { served, ...lane } of lanes)
      this.warn({ code: 'QUEUE_UNSERVED', message: messageOf(lane, served) });
  }

  private find(lanes: number[]): Promise<(Lane & { served: string[] })[]> {
    return this.database.callers.run(FIND_UNSERVED, [lanes, MAX_NAMES]);
  }
}

function messageOf(lane: Lane, served: readonly string[]): string {
  const closest = served.includes(lane.queue) ? undefined : closestWord(lane.queue, served);
  const hint = closest ? ` Did you mean "${closest}"?` : '';
  return `This process enqueues to ${laneText(lane)}, which no worker has served so far: its jobs wait until one has a handler for it.${hint} This is reported once.`;
}
