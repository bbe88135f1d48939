import type { ClaimKey } from '../claim/claim-wish.js';
import type { ClaimedRow } from '../claim/row-mapper.js';

/** A claim that a job may be stored under at once. Exactly one of `stored` and `failed` is called. */
export interface DirectClaim extends ClaimKey {
  stored(row: ClaimedRow): void;
  failed(): void;
}

/** For a lane: a claim, when the worker would run a job of it at once. */
type Claimer = (lane: number) => DirectClaim | undefined;

/** Where the worker of this process, if it has one, claims what callers store. */
export class DirectClaims {
  private claimer: Claimer | undefined;

  open(claimer: Claimer): () => void {
    this.claimer = claimer;
    return () => (this.claimer = undefined);
  }

  of(lane: number): DirectClaim | undefined {
    return this.claimer?.(lane);
  }
}
