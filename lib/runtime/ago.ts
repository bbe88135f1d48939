/** A moment that was given as an age. It counts by the clock of this machine until it is set by that of the database, where the jobs are. */
export class Ago extends Date {
  private readonly saidAt = performance.now();
  private isSet = false;

  constructor(private readonly ageMs: number) {
    super(Date.now() - ageMs);
  }

  /** Once: it means the same moment in all that is done with it. */
  async set(now: () => Promise<number>): Promise<void> {
    if (this.isSet) return;
    const agoMs = this.ageMs + performance.now() - this.saidAt;
    this.setTime((await now()) - agoMs);
    this.isSet = true;
  }
}

/** Sets what was given as an age among the parts of a filter. */
export async function setAges(filter: object, now: () => Promise<number>): Promise<void> {
  for (const part of Object.values(filter)) if (part instanceof Ago) await part.set(now);
}
