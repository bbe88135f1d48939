/** A claimed batch: one row in the database, open until the last of its runs is settled. */
export interface Claim {
  readonly id: string;
  /** Runs that are not acknowledged yet. */
  open: number;
  /** Told when the last one is. */
  onEnd?: () => void;
}

/**
 * The claims of this process. A claim is listed as ended only with, or after, the settles of all its runs: a row that went
 * too early would leave jobs that nobody can free.
 */
export class Claims {
  private readonly known = new Map<string, Claim>();
  private ended: string[] = [];

  /** Before the statement leaves: a claim under way is known, or the heartbeat would release it. */
  expect(id: string): void {
    this.known.set(id, { id, open: 0 });
  }

  /** The answer arrived with this many jobs. */
  arrived(id: string, jobs: number): Claim {
    const claim = this.known.get(id)!;
    claim.open = jobs;
    if (jobs === 0) this.known.delete(id);
    return claim;
  }

  /** The answer was lost: if the statement was committed after all, the heartbeat finds the claim and frees it. */
  forget(id: string): void {
    this.known.delete(id);
  }

  settled(claim: Claim): void {
    if (--claim.open > 0) return;
    if (this.known.has(claim.id)) this.ended.push(claim.id);
    claim.onEnd?.();
  }

  /** Claims to be deleted with the next statement; `endedNow` are those whose last runs are settled by that same statement. */
  takeEnded(endedNow: Claim[]): string[] {
    const ids = [...this.ended, ...endedNow.map((claim) => claim.id)];
    this.ended = [];
    return ids;
  }

  /** They are deleted: forget them. */
  deleted(ids: string[]): void {
    for (const id of ids) this.known.delete(id);
  }

  /** The statement failed: list them again. */
  notDeleted(ids: string[]): void {
    for (const id of ids) if (this.known.get(id)?.open === 0) this.ended.push(id);
  }

  get hasEnded(): boolean {
    return this.ended.length > 0;
  }

  ids(): string[] {
    return [...this.known.keys()];
  }
}
