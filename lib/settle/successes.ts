import type { ClaimRepository } from '../storage/claim/claim.repository.js';
import type { FollowerWish } from '../storage/groups/followers.js';
import type { GroupRepository } from '../storage/groups/group.repository.js';
import type { ClaimedRow } from '../storage/claim/row-mapper.js';
import type { Success } from '../storage/settle/ended-run.js';
import type { SettleRepository } from '../storage/settle/settle.repository.js';
import { LOOK, type WorkflowRepository } from '../storage/workflows/workflow.repository.js';
import type { Moved } from '../storage/workflows/rows.js'; // prettier-ignore
import type { JobRun } from '../run/job-run.js';
import { endedBy, type Claims } from './claims.js';
import type { Settling } from './settling.js';

/** Claims the next jobs of ordered groups and of keys for this process, as far as they may run here now. */
export interface Followers {
  /** With the settle of these runs. `begin` lets them start: for when the ends are known here. */
  claim<Settled extends { claimed: ClaimedRow[] }>(
    runs: readonly JobRun[],
    settle: (wish?: FollowerWish) => Promise<Settled>,
  ): Promise<{ settled: Settled; begin?: () => void }>;
}

/** What has become of successes. */
interface Settled {
  /** Runs that no longer held their job. */
  lost: string[];
  begin?: (() => void) | undefined;
}

export interface SuccessesParts {
  claimRepository: ClaimRepository;
  settleRepository: SettleRepository;
  groups: GroupRepository;
  workflows: WorkflowRepository;
  claims: Claims;
  worker: string;
  /** Turns of ordered groups and permits of keys were passed on (`lanes`: jobs are ready there), or turns became vacant and permits free (`keys`). */
  onTurns: (turns: { lanes: number[]; later: number; vacant: number; keys: boolean; fair?: boolean; anywhere?: boolean }) => void; // prettier-ignore
  /** Workflows have moved on, or have to be looked at. */
  onMoved: (moved: Moved) => void;
}

const NONE: Followers = { claim: async (_, settle) => ({ settled: await settle() }) };

/** So many keys rarely have as many jobs each: who looks for the next of each in vain looks in one of so many settles. */
const MANY = 50;
const ONE_IN = 8;

const NO_ID = '00000000-0000-0000-0000-000000000000';

/** Successes that cannot ride in the poller's statement. Most ways answer the ids of runs that no longer held their job. */
export class Successes {
  /** Whoever claims knows who settles, and comes later. */
  followers = NONE;
  private looked = 0;
  private hasFound = true;

  constructor(private readonly parts: SuccessesParts) {}

  async settle(kind: { handsOn: boolean; isStep: boolean }, batch: Settling[]): Promise<Settled> {
    if (kind.handsOn && !kind.isStep) return this.passOn(batch);
    if (!kind.isStep) return { lost: await this.succeed(batch) };
    return { lost: await (kind.handsOn ? this.completeEach(batch) : this.moveOrAdd(batch)) };
  }

  /** What ended in another way leaves the same to duties. */
  leave(batch: Settling[]): void {
    const vacant = batch.some(({ run }) => run.isOrdered) ? 1 : 0;
    const keys = batch.some(({ run }) => run.isKeyed);
    // What was told to other queues is ready, wherever that is.
    const anywhere = batch.some(({ run }) => run.hasOutcomes);
    if (vacant > 0 || keys || anywhere)
      this.parts.onTurns({ lanes: [], later: Number(anywhere), vacant, keys, anywhere });
    if (batch.some(({ run }) => run.isStep)) this.parts.onMoved(LOOK);
  }

  /** Those that the hot statement could not settle. */
  private async succeed(batch: Settling[]): Promise<string[]> {
    const { claimRepository, worker } = this.parts;
    const nothing = { claimId: NO_ID, lease: NO_ID, lanes: [], limit: 0 };
    const successes = batch.map(successIn);
    return (await claimRepository.settleAndClaim(worker, successes, [], nothing)).lost;
  }

  /** Those of ordered groups, whose followers get their turn, those with a permit of their key, which goes to the next, and those whose ends are told to another queue. */
  private async passOn(batch: Settling[]): Promise<Settled> {
    const runs = batch.map(({ run }) => run);
    const { settled, begin } = await this.followers.claim(runs, (wish) =>
      this.settleOrdered(batch, wish),
    );
    for (const run of runs) if (run.isOrdered) run.lane.onTurnsPassed();
    this.parts.onTurns(settled);
    return { lost: settled.lost, begin };
  }

  private async settleOrdered(batch: Settling[], followers?: FollowerWish) {
    const { groups, claims, worker } = this.parts;
    const hasOutcomes = batch.some(({ run }) => run.hasOutcomes);
    const isKeyed = this.looksForHeirs(batch);
    const over = claims.takeEnded(endedBy(batch));
    try {
      const beside = { hasOutcomes, isKeyed, over, followers };
      const settled = await groups.settle(worker, batch.map(successIn), beside);
      claims.deleted(over);
      if (isKeyed) this.hasFound = settled.lanes.length + settled.claimed.length > 0;
      return settled;
    } catch (error) {
      claims.notDeleted(over);
      throw error;
    }
  }

  /** Permits that are not passed on here are handed on by the duty. */
  private looksForHeirs(batch: Settling[]): boolean {
    if (!batch.some(({ run }) => run.isKeyed)) return false;
    return this.hasFound || batch.length < MANY || this.looked++ % ONE_IN === 0;
  }

  /** Those that add steps to their workflows leave that to the duty. */
  private async moveOrAdd(batch: Settling[]): Promise<string[]> {
    const adding = batch.filter(({ success }) => success!.added !== undefined);
    if (adding.length === 0) return this.moveOn(batch);
    const lost = await this.completeEach(adding);
    const others = batch.filter(({ success }) => success!.added === undefined);
    return others.length > 0 ? [...lost, ...(await this.moveOn(others))] : lost;
  }

  /** Those of steps: what waited for them alone is ready with the same commit. */
  private async moveOn(batch: Settling[]): Promise<string[]> {
    const { workflows, worker, onMoved } = this.parts;
    const { lost, ...moved } = await workflows.settle(worker, batch.map(successIn));
    onMoved(moved);
    return lost;
  }

  /** Those that have more than that to leave: each in a statement of its own, and duties have the rest. */
  private async completeEach(batch: Settling[]): Promise<string[]> {
    const { settleRepository, worker } = this.parts;
    const lost: string[] = [];
    for (const entry of batch) {
      // Where another one of the batch is refused, this one is sent again, and its first statement has committed.
      entry.run.unsure = true;
      if (!(await settleRepository.completeAlone(worker, successIn(entry), entry.run)))
        lost.push(entry.run.id);
    }
    this.leave(batch);
    return lost;
  }
}

const successIn = ({ success }: Settling): Success => success!;
