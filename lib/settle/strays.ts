import type { Claim } from '../run/job-run.js';
import type { ClaimedRow } from '../storage/claim/row-mapper.js';
import type { ClaimRepository } from '../storage/claim/claim.repository.js';
import { wakeUpFor } from '../storage/wake-ups/wake-up.js';
import type { Signals } from '../storage/wake-ups/signals.js';
import type { Claims } from './claims.js';

export interface StraysParts {
  claimRepository: ClaimRepository;
  claims: Claims;
  signals: Pick<Signals, 'send'>;
  warn: (warning: { code: string; message: string }) => void;
  /** Something waits to be returned. */
  onWork: () => void;
}

interface Stray {
  row: ClaimedRow;
  claim: Claim;
}

const MAX_BATCH = 500;
/** A job that somebody holds locked is asked for again after this. */
const LOCKED_REST_MS = 200;

/** Claimed rows that nobody may run here: their place is not their job's, or their lane is not served any more. They go back unrun. */
export class Strays {
  private waiting: Stray[] = [];
  private underWay = 0;

  constructor(private readonly parts: StraysParts) {}

  add(row: ClaimedRow, claim: Claim): void {
    this.waiting.push({ row, claim });
    this.parts.onWork();
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0 && this.underWay === 0;
  }

  /** One round is one statement. */
  async settle(): Promise<number> {
    const batch = this.waiting.splice(0, MAX_BATCH);
    if (batch.length === 0) return Infinity;
    let left = batch;
    this.underWay += batch.length;
    try {
      left = await this.return(batch);
    } finally {
      this.underWay -= batch.length;
      this.waiting.push(...left);
    }
    if (left.length > 0) return LOCKED_REST_MS;
    return this.waiting.length > 0 ? 0 : Infinity;
  }

  /** Returns those that somebody holds locked. */
  private async return(batch: Stray[]): Promise<Stray[]> {
    const { claimRepository, claims, signals, warn } = this.parts;
    const { locked, placed } = await claimRepository.returnStrays(batch.map(({ row }) => row));
    const returned = batch.filter(({ row }) => !locked.has(row.id));
    for (const { claim } of returned) claims.settled(claim);
    if (placed.length > 0) signals.send(wakeUpFor(placed));
    const made = returned.filter(({ row }) => row.ownLane !== undefined);
    if (made.length > 0) warn(strayPlaces(made.map(({ row }) => row.id)));
    return batch.filter(({ row }) => locked.has(row.id));
  }
}

/** For the log, once per round. */
export function strayPlaces(ids: readonly string[]): { code: string; message: string } {
  const rows = ids.length === 1 ? 'A row was' : `${ids.length} rows were`;
  const message = `${rows} taken out of the places of jobs, unrun: lane, epoch or time were not those of the job (${ids[0]}). The jobs stand where they belong. Only this library, and simple_queue.enqueue, may write there: look for whoever inserts by hand.`;
  return { code: 'STRAY_PLACES', message };
}
