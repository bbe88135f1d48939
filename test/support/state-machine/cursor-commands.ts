import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import { Command } from './command.js';
import type { Model } from './model.js';
import type { Real } from './real.js';

const FEW = 3;
/** Longer than any look back rests. */
const LONG_MS = 60_000;

/** A claim as workers make it: from where the cursor stands, some time after the last one. It may miss what came late, and takes nothing else. */
export class ClaimByCursor extends Command {
  constructor(
    private readonly afterMs: number,
    private readonly limit: number,
  ) {
    super();
  }

  protected async work(model: Model, real: Real): Promise<void> {
    await claimByCursor(model, real, {
      lease: real.workers[0]!.lease,
      afterMs: this.afterMs,
      limit: this.limit,
    });
  }
}

/** A few at a time: one look everywhere, and what follows from it, must come to all jobs, whenever they were committed. */
export async function findAllByCursor(model: Model, real: Real): Promise<void> {
  const lease = await real.takeLease(model);
  let found = await claimByCursor(model, real, { lease, afterMs: LONG_MS, limit: FEW });
  for (let rounds = 0; found === FEW || real.cursor.isBehind; rounds++) {
    expect(rounds).toBeLessThan(model.jobs.size + 3);
    found = await claimByCursor(model, real, { lease, afterMs: 1, limit: FEW });
  }
  expect(model.claimable(0, ['plain'])).toEqual([]);
  for (const claim of model.claims.filter((each) => each.lease === lease)) {
    await real.storage.leases.releaseClaims(lease, [claim.id]);
    model.release(claim);
  }
}

interface Wish {
  lease: string;
  afterMs: number;
  limit: number;
}

async function claimByCursor(
  model: Model,
  real: Real,
  { lease, afterMs, limit }: Wish,
): Promise<number> {
  const look = real.cursor.look((real.now += afterMs));
  const claimId = randomUUID();
  const lanes = [{ lane: real.lanes.plain.id, wanted: limit, ranges: look.ranges }];
  const { jobs } = await real.storage.claims.settleAndClaim('worker', [], [], {
    claimId,
    lease,
    lanes,
    limit,
  });
  const ready = new Set(model.claimable(0, ['plain']).map(({ id }) => id));
  expect(jobs.filter(({ id }) => !ready.has(id))).toEqual([]);
  real.cursor.took(jobs, { look, short: jobs.length < limit, ms: 0 });
  model.claim(claimId, lease, jobs.map(({ id }) => id)); // prettier-ignore
  return jobs.length;
}
