import type { ByQueue, EndPolicy } from '../options/queue-policy.js';
import { Failures } from '../observability/failures.js';
import type { Uuid7 } from '../runtime/uuid7.js';
import type { About, LeaseRepository } from '../storage/leases/lease.repository.js';
import type { StandIn } from '../storage/leases/stand-in.js';

interface HeartbeatParts {
  leases: LeaseRepository;
  /** Knows when the lease was last renewed, by itself or by the heartbeat. */
  standIn: Pick<StandIn, 'renewedAt' | 'taken' | 'renewed' | 'stop'>;
  ids: Uuid7;
  worker: string;
  intervalMs: number;
  leaseMs: number;
  /** A claim older than this is under way no longer. */
  answerMs: number;
  knownClaims: () => string[];
  /** Lanes that this process serves. */
  lanes: () => number[];
  /** How this process is. */
  about: () => Promise<About>;
  /** What it says of the ends of their jobs. */
  policies: ByQueue<EndPolicy>;
  /** Schedules that it declares, by name. */
  schedules: string[];
  onCancel: (ids: string[]) => void;
  /** The lease is gone, or could not be renewed in its time: nothing is held any more. */
  onLost: () => void;
  onReleased: (jobs: number) => void;
  onEnd: () => void;
}

/** So often it says again what it serves: another process may have said otherwise of the same queues. */
const AGAIN_MS = 60_000;

/** Keeps the lease of this process: one row, whatever is in flight. */
export class Heartbeat {
  private leaseId = '';
  private lost = false;
  /** Of the renewals: a new lease after a lost one says nothing of them. */
  readonly failures = new Failures('beat');
  /** The lanes that the lease names. */
  private told: readonly number[] = [];
  private toldAt = 0;
  private beating: Promise<unknown> = Promise.resolve();

  constructor(private readonly parts: HeartbeatParts) {}

  /** What claims are made under; undefined when it may have run out: what is claimed then is taken away again, and suspected. */
  get lease(): string | undefined {
    return this.lost || this.silentMs >= this.parts.leaseMs ? undefined : this.leaseId;
  }

  /** Milliseconds since the database last confirmed the lease. */
  get silentMs(): number {
    return this.leaseId ? performance.now() - this.parts.standIn.renewedAt : Infinity;
  }

  /** A fresh id each time: a lease that was lost never comes back to life. */
  async take(): Promise<void> {
    const id = this.parts.ids.next();
    const askedAt = performance.now();
    const lanes = this.parts.lanes();
    const { worker, leaseMs, schedules, policies } = this.parts;
    const about = await this.parts.about();
    await this.parts.leases.take(id, worker, leaseMs, { lanes, schedules, about, policies });
    this.leaseId = id;
    this.note(lanes);
    await this.parts.standIn.taken(id, askedAt);
    this.lost = false;
  }

  /** One after another: two that found the lease lost would take one each, and renew one of them. */
  beat(): Promise<number> {
    const beat = this.beating.then(() => this.beatOnce());
    this.beating = beat.catch(() => undefined);
    return beat;
  }

  private async beatOnce(): Promise<number> {
    try {
      if (this.lost) await this.take();
      else {
        await this.renew();
        this.failures.end();
      }
    } catch (error) {
      this.fence();
      this.failures.add(error);
      throw error;
    }
    return this.parts.intervalMs;
  }

  /** Claims whose result was lost, as soon as the database replies again: others are found by their age. */
  async free(claims: string[]): Promise<void> {
    this.parts.onReleased(await this.parts.leases.releaseClaims(this.leaseId, claims));
  }

  async end(): Promise<void> {
    this.parts.onEnd();
    await this.parts.standIn.stop();
    await this.parts.leases.end(this.leaseId);
  }

  private async renew(): Promise<void> {
    const askedAt = performance.now();
    const { leases, leaseMs, answerMs, knownClaims, about } = this.parts;
    const holding = { claims: knownClaims(), olderThanMs: answerMs, about: await about() };
    const renewal = await leases.renew(this.leaseId, leaseMs, holding);
    if (!renewal.alive) return this.lose();
    this.parts.standIn.renewed(askedAt);
    if (renewal.cancelled.length > 0) this.parts.onCancel(renewal.cancelled);
    if (renewal.unknown.length > 0)
      this.parts.onReleased(await this.parts.leases.releaseClaims(this.leaseId, renewal.unknown));
    await this.tellLanes();
  }

  private async tellLanes(): Promise<void> {
    const lanes = this.parts.lanes();
    const isSame =
      lanes.length === this.told.length && lanes.every((id, index) => id === this.told[index]);
    if (isSame && performance.now() - this.toldAt < AGAIN_MS) return;
    await this.parts.leases.serve(this.leaseId, lanes, this.parts.policies);
    this.note(lanes);
  }

  private note(lanes: readonly number[]): void {
    this.told = lanes.slice();
    this.toldAt = performance.now();
  }

  /** The database did not answer for a lease's time: others may have the jobs by now, so their handlers must stop. */
  private fence(): void {
    if (!this.lost && this.silentMs > this.parts.leaseMs) {
      this.lost = true;
      this.parts.onLost();
    }
  }

  private async lose(): Promise<void> {
    this.lost = true;
    this.parts.onLost();
    await this.take();
  }
}
