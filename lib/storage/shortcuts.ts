import type { ClaimKey } from './claim-wish.js';
import type { ClaimedRow } from './row-mapper.js';

/** A claim that a job may be stored under at once. Exactly one of `stored` and `failed` is called. */
export interface DirectClaim extends ClaimKey {
  stored(row: ClaimedRow): void;
  failed(): void;
}

/** Answers for a lane: a claim, when the worker would run a job of it at once. */
type Offer = (lane: number) => DirectClaim | undefined;

/** Where the worker of this process, if it has one, offers itself to callers that store jobs. */
export class Shortcuts {
  private offer: Offer | undefined;

  open(offer: Offer): () => void {
    this.offer = offer;
    return () => (this.offer = undefined);
  }

  of(lane: number): DirectClaim | undefined {
    return this.offer?.(lane);
  }
}
