import type { ClaimKey } from '../claim/claim-wish.js';
import { claimedRow, type ClaimedRow } from '../claim/row-mapper.js';
import { epochOf, idOf, type Success } from '../settle/ended-run.js';

/** What a process wants of the job behind one that has ended. */
interface Following {
  /** It was read ahead, in this queue. */
  next?: ClaimedRow | undefined;
  queue: number;
  /** Where it was not: how many of its group to read ahead behind it; null: it is for anybody. */
  ahead: number | null;
}

/** Next jobs of ordered groups and of keys that a process wants to run itself, as a claim of its own. */
export interface FollowerWish extends ClaimKey {
  lanes: number[];
  /** Beside each success. */
  following: Following[];
}

/** Next jobs are for whoever claims them. */
const NOBODY = { claimId: null, lease: null, lanes: [], following: [] };

/** Successes whose next jobs were read ahead, and the others. */
export class Parted {
  private readonly known: { success: Success; next: ClaimedRow; queue: number }[] = [];
  private readonly others: Success[] = [];
  private readonly ahead: (number | null)[] = [];

  constructor(
    successes: readonly Success[],
    private readonly wish: FollowerWish | typeof NOBODY = NOBODY,
  ) {
    for (const [at, success] of successes.entries()) {
      const following: Following | undefined = wish.following[at];
      // Later runs are fenced one by one.
      if (following?.next && success.epoch === 0)
        this.known.push({ success, next: following.next, queue: following.queue });
      else {
        this.others.push(success);
        this.ahead.push(following?.ahead ?? null);
      }
    }
  }

  /** Of `settle_ordered`, but the shard. */
  values(worker: string, kept: string, over: string[]): unknown[] {
    const { others, known, wish } = this;
    const next = known.map((entry) => entry.next);
    return [
      others.map(idOf),
      others.map(epochOf),
      worker,
      kept,
      this.ahead,
      wish.lanes,
      wish.claimId,
      wish.lease,
      over,
      known.map(({ success }) => success.id),
      next.map(({ place }) => place),
      next.map(idOf),
      next.map(epochOf),
      known.map(({ queue }) => queue),
    ];
  }

  /** The jobs that were claimed, each with what was read ahead behind it. `missed` are not what they were when they were read. */
  claimed(rows: (string | null)[][], at: string, missed: string[]): ClaimedRow[] {
    const claimed = linked(rows.map(claimedRow));
    for (const { success, next } of this.known)
      if (missed.length === 0 || !missed.includes(next.id)) {
        next.turned!(success.id, at);
        claimed.push(next);
      }
    return claimed;
  }
}

/** Rows that were read ahead follow each other behind the claimed one that they name. */
function linked(rows: ClaimedRow[]): ClaimedRow[] {
  const claimed: ClaimedRow[] = [];
  const tails = new Map<string, ClaimedRow>();
  for (const row of rows) {
    const tail = row.place === undefined ? undefined : tails.get(row.after!);
    if (tail) tail.next = row;
    else claimed.push(row);
    tails.set(tail ? row.after! : row.id, row);
  }
  return claimed;
}
