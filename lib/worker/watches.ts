import { UnhandledLanes } from '../claim/unhandled-lanes.js';
import type { WorkerLanes } from '../claim/worker-lanes.js';
import type { Round } from '../runtime/loop.js';
import type { WorkerParts } from './crew.js';
import { TroubleWatch } from './trouble-watch.js';

/** What a worker looks for along with its duties, to tell people of it: lanes without a handler, and what waits for somebody. */
export class Watches {
  private readonly unhandled: UnhandledLanes;
  private readonly troubles: TroubleWatch;
  private hasNewLanes = false;
  private hasCleaned = false;

  constructor({ storage, options, events }: WorkerParts, lanes: WorkerLanes) {
    this.troubles = new TroubleWatch(storage, options, events);
    this.unhandled = new UnhandledLanes(lanes, storage.lanes, events);
  }

  /** They learn of the next promotion. */
  onNewLanes(): void {
    this.hasNewLanes = true;
  }

  async promote(round: Round): Promise<number> {
    const restMs = await round();
    if (!this.hasNewLanes) return restMs;
    this.hasNewLanes = false;
    await this.unhandled.report();
    return restMs;
  }

  /** What the janitor has put right is no trouble any more; it has not looked for any in its first round. */
  async clean(round: Round): Promise<number> {
    await this.unhandled.report();
    const restMs = await round();
    if (this.hasCleaned) await this.troubles.look();
    this.hasCleaned = true;
    return restMs;
  }
}
