import type { Failure } from '../../job/failure.js';
import type { ExpiredLease, JobEvent } from '../../observability/events.js';
import type { BlockingJob } from '../../observability/group-blocked.js';
import type { ByQueue, EndPolicy, Retention } from '../../options/queue-policy.js';
import type { OnDeadJob } from '../../job/job-state.js';
import type { Database } from '../connection/database.js';
import { SHARD } from '../connection/shard.js';
import type { Statement } from '../connection/statement.js';
import type { Warn } from '../connection/until-served.js';
import { END_LEASE } from './end-lease.sql.js';
import { EXPIRE_LEASES } from './expire-leases.sql.js';
import { OwnWord, type Reply } from './own-word.js';
import { REAP_CLAIMS } from './reap-claims.sql.js';
import { RELEASE_CLAIMS } from './release-claims.sql.js';
import { RENEW_LEASE } from './renew-lease.sql.js';
import { SERVE_LANES } from './serve-lanes.sql.js';
import { TAKE_LEASE } from './take-lease.sql.js';

export interface Renewal {
  alive: boolean;
  /** Ids of this lease's jobs that were asked to stop. */
  cancelled: string[];
  /** Claims of this lease that the process does not know. */
  unknown: string[];
}

/** What a process is there for. */
interface Offer {
  lanes?: number[];
  schedules?: string[];
  about?: About;
  /** Of the ends of jobs in its queues. */
  policies?: Policies;
}

type Policies = ByQueue<EndPolicy>;

interface Holding {
  /** That the process knows. */
  claims: string[];
  /** A claim older than any statement under way, whose answer can no longer arrive. */
  olderThanMs: number;
  about?: About;
}

/** How a process is, as its last heartbeat said. */
export interface About {
  version: string;
  host: string;
  /** The longest that its event loop was late since the beat before, in milliseconds. */
  loopMs: number;
  memoryMb: number;
  full?: FullSlots[];
  failing?: FailingLoop[];
}

/** What a process does again and again, and fails at. */
interface FailingLoop {
  loop: string;
  /** Since a round of it went well. */
  silentMs: number;
  error: string;
}

/** Slots of a process that are all taken: its jobs wait until one of the runs there ends. */
export interface FullSlots {
  /** Whose jobs wait for them; missing: of all that it serves. */
  lanes?: number[];
  slots: number;
  /** How long the first and the last of its runs last. */
  oldestMs: number;
  youngestMs: number;
  /** Each run was settled by its timeout, and its handler has not returned. */
  over: boolean;
  /** One has a timeout, which ends it. */
  timed: boolean;
  /** Lanes of the runs, and the jobs of some, the oldest first. */
  held: number[];
  ids: string[];
}

const jsonOf = (said?: object): string | null => (said ? JSON.stringify(said) : null);

interface Reaped {
  claims: number;
  /** Where the page ended; null when it was empty. */
  last: string | null;
  jobs: number;
  poisoned: number;
  cancelled: number;
  deadJobs: BlockingJob[];
  ended: ReapedEnd[];
  hasShares: boolean;
}

/** A job that ended with its process: poisoned, by this error, or cancelled. */
interface ReapedEnd extends JobEvent {
  laneId: number;
  error: Failure | null;
}

/** What one reap did. */
export interface ReapCounts {
  /** Leases that had run out. */
  leases: number;
  /** Jobs that were taken back from them, with those that ended by it. */
  jobs: number;
  poisoned: number;
  cancelled: number;
  /** Of the leases those of pulled claims. */
  expired: ExpiredLease[];
}

/** With those that ended, and of them those that hold the turn of their group; `hasShares`: some process has a share of a limit. */
export type Reaping = ReapCounts & Pick<Reaped, 'deadJobs' | 'ended' | 'hasShares'>;

/** `jobs` null: of a worker process. */
type LapsedLease = Omit<ExpiredLease, 'jobs'> & { jobs: string[] | null };

export interface ReapRules {
  maxStalls: number;
  deadLetter: Retention;
  archive: Retention;
  onDeadJob: ByQueue<OnDeadJob>;
}

const FIRST = '00000000-0000-0000-0000-000000000000';
const PAGE = 20;

/** Leases of worker processes and what becomes of claims whose lease is gone. */
export class LeaseRepository {
  private readonly word: OwnWord;

  /** `warn` is called once of each queue for which a younger process says otherwise. */
  constructor(
    private readonly database: Database,
    warn?: Warn,
  ) {
    this.word = new OwnWord(warn);
  }

  /** What the process serves and which schedules it declares, so that others can tell what nobody does. */
  async take(
    id: string,
    worker: string,
    leaseMs: number,
    { lanes = [], schedules = [], about, policies }: Offer = {},
  ): Promise<void> {
    const offered = jsonOf(about);
    const values = [SHARD, id, worker, leaseMs, lanes, schedules, offered, jsonOf(policies)];
    await this.say(TAKE_LEASE, values, policies);
  }

  /** The process serves these lanes now. */
  async serve(id: string, lanes: number[], policies?: Policies): Promise<void> {
    await this.say(SERVE_LANES, [SHARD, id, lanes, jsonOf(policies)], policies);
  }

  /** What a process without a lease does with the jobs of these lanes that it ends. */
  async declare(lanes: number[], policies: Policies): Promise<void> {
    if (lanes.length > 0) await this.serve(FIRST, lanes, policies);
  }

  private async say(saying: Statement, values: unknown[], policies?: Policies): Promise<void> {
    const replies = await this.database.loops.run<Reply>(saying, [...values, this.word.by]);
    this.word.hear(replies[0]!, policies);
  }

  async renew(
    id: string,
    leaseMs: number,
    { claims, olderThanMs, about }: Holding,
  ): Promise<Renewal> {
    const values = [SHARD, id, leaseMs, claims, olderThanMs, jsonOf(about)];
    return (await this.database.loops.run<Renewal>(RENEW_LEASE, values))[0]!;
  }

  async end(id: string): Promise<void> {
    await this.database.loops.run(END_LEASE, [SHARD, id]);
  }

  /** Leases that ran out are gone: at most 100. */
  async expire(): Promise<LapsedLease[]> {
    return (await this.lapse()).gone;
  }

  /** `isDue`: something may have to go back. An idle fleet is asked no more than this. */
  private async lapse(): Promise<{ gone: LapsedLease[]; isDue: boolean }> {
    const rows = await this.database.loops.run<LapsedLease>(EXPIRE_LEASES, [SHARD]);
    return { gone: rows.filter(({ leaseId }) => leaseId !== null), isDue: rows.length > 0 };
  }

  /** One page of at most 20 claims behind `after`. */
  async reap(rules: ReapRules, after: string): Promise<Reaped> {
    const [deadLetter, archive, onDeadJob] = [rules.deadLetter, rules.archive, rules.onDeadJob].map(
      (rule) => JSON.stringify(rule),
    );
    const values = [SHARD, rules.maxStalls, deadLetter, archive, after, onDeadJob];
    return (await this.database.loops.run<Reaped>(REAP_CLAIMS, values))[0]!;
  }

  /** Expires leases and gives back what they held, page behind page: claims that cannot be freed yet hide none behind them. */
  async reapAll(rules: ReapRules): Promise<Reaping> {
    const { gone, isDue } = await this.lapse();
    const expired = gone.filter((lease): lease is ExpiredLease => lease.jobs !== null);
    const total: Reaping = {
      leases: gone.length,
      jobs: 0,
      poisoned: 0,
      cancelled: 0,
      expired,
      deadJobs: [],
      ended: [],
      hasShares: false,
    };
    let page: Reaped | undefined;
    while (isDue && (page?.claims ?? PAGE) === PAGE) {
      page = await this.reap(rules, page?.last ?? FIRST);
      total.jobs += page.jobs;
      total.poisoned += page.poisoned;
      total.cancelled += page.cancelled;
      total.deadJobs.push(...page.deadJobs);
      total.ended.push(...page.ended);
      total.hasShares = page.hasShares;
    }
    return total;
  }

  /** How many jobs went back. */
  async releaseClaims(lease: string, claims: string[]): Promise<number> {
    return (
      await this.database.loops.run<{ jobs: number }>(RELEASE_CLAIMS, [SHARD, claims, lease])
    )[0]!.jobs;
  }
}
