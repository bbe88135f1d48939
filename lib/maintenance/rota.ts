import { roundsOf, type DutyName, type Rounds, type Site } from './duties.js';

/** Turns duties where there are no loops: whoever comes by turns those that are due, a round of each. */
export class Rota {
  private readonly rounds: Rounds;
  private readonly dueAt = new Map<DutyName, number>();

  /** `names`: the duties that are turned here. The promoter comes first, and wakes the others. */
  constructor(
    private readonly site: Omit<Site, 'wake'>,
    private readonly names: readonly DutyName[],
  ) {
    this.rounds = roundsOf({ ...site, wake: (duty, inMs) => this.wake(duty, inMs) });
    this.wake('promote');
  }

  wake(duty: DutyName, inMs = 0): void {
    this.dueAt.set(duty, Math.min(this.dueOf(duty), performance.now() + inMs));
  }

  async turn(): Promise<void> {
    for (const name of this.names)
      if (this.dueOf(name) <= performance.now()) await this.turnOne(name);
  }

  /** Whoever comes by meanwhile waits for nothing, and what wakes it meanwhile is not lost. One that fails rests, and keeps nobody from the others. */
  private async turnOne(name: DutyName): Promise<void> {
    this.dueAt.set(name, Infinity);
    let restMs = this.site.lookEveryMs;
    try {
      restMs = await this.rounds[name]();
    } catch (error) {
      this.site.events.emit('loopFailed', () => ({ loop: name, error, restMs }));
    }
    this.wake(name, restMs);
  }

  private dueOf(name: DutyName): number {
    return this.dueAt.get(name) ?? Infinity;
  }
}
