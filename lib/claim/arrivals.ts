import { CANCELLED_EARLY } from '../job/outcome.js';
import { Line } from '../runtime/line.js';
import { Pace } from '../runtime/pace.js';
import { timedOut } from '../storage/connection/database-errors.js';
import type { ClaimRepository } from '../storage/claim/claim.repository.js';
import type { HeavyParts } from '../storage/claim/row-mapper.js';
import type { Dispatcher } from './dispatcher.js';
import type { Settler } from '../settle/settler.js';
import type { LaneRun, WorkerLane } from './worker-lane.js';

export interface ArrivalsParts {
  claimRepository: ClaimRepository;
  settler: Settler;
  dispatcher: Dispatcher;
  queryTimeoutMs: number;
  warn: (warning: { code: string; message: string }) => void;
  /** Something has to be fetched. */
  onHeavy: () => void;
}

const MAX_ROWS = 500;
/** As they lie; the database says how many of them fit into one answer. */
const MAX_BYTES = 1_024 * 1_024;
/** What did not come through by itself in as many tries goes back for a while: it may be others' line that bears it, and nobody waits for it here. */
const MAX_TRIES = 3;
const ASIDE_MS = 60_000;

/**
 * Where claimed jobs come in. What is heavy was left behind by its claim and is fetched here, a bounded answer at a time and in turn from
 * all lanes: over a thin line whatever is small passes it by.
 */
export class Arrivals {
  /** Those that have heavy jobs; who had none fetched for the longest time is first. */
  private readonly lanes = new Set<WorkerLane>();
  /** Asked for by statements under way. */
  private readonly asked = new Set<LaneRun>();
  readonly line = new Line();
  private readonly pace: Pace;
  /** How often a run was fetched alone, in vain. */
  private readonly tries = new WeakMap<LaneRun, number>();

  constructor(private readonly parts: ArrivalsParts) {
    this.pace = new Pace(parts.queryTimeoutMs);
  }

  take(run: LaneRun): void {
    if (run.weight === 0 || run.isCancelled) return this.admit(run);
    run.lane.heavy.add(run);
    this.lanes.add(run.lane);
    this.parts.onHeavy();
  }

  /** One round is one statement. Two loops turn it: the second over a quick line alone, or each would make the other late. */
  async fetch(): Promise<number> {
    if (this.asked.size > 0 && !this.line.isQuick) return Infinity;
    const runs = this.next();
    if (runs.length === 0) return Infinity;
    for (const run of runs) this.asked.add(run);
    try {
      this.receiveAll(runs, await this.partsOf(runs));
    } finally {
      for (const run of runs) this.asked.delete(run);
    }
    this.parts.dispatcher.startAll();
    return 0;
  }

  /** Behind the last of an answer is what it had no room for; where there is none, nothing is held any more. */
  private receiveAll(runs: LaneRun[], parts: Map<string, HeavyParts>): void {
    const last = runs.findLastIndex(({ id }) => parts.has(id));
    for (const run of last < 0 ? runs : runs.slice(0, last + 1))
      if (run.lane.heavy.remove(run)) this.receive(run, parts.get(run.id));
  }

  /** One of each lane in turn, as far as they fit into an answer. */
  private next(): LaneRun[] {
    for (const lane of this.lanes) if (lane.heavy.size === 0) this.lanes.delete(lane);
    const next: LaneRun[] = [];
    let bytes = 0;
    for (const run of inTurn([...this.lanes])) {
      if (this.asked.has(run)) continue;
      bytes += run.weight;
      if (
        next.length > 0 &&
        (bytes > MAX_BYTES || next.length >= Math.min(MAX_ROWS, this.pace.most))
      )
        break;
      next.push(run);
    }
    for (const { lane } of next) if (this.lanes.delete(lane)) this.lanes.add(lane);
    return next;
  }

  private async partsOf(runs: LaneRun[]): Promise<Map<string, HeavyParts>> {
    const sentAt = performance.now();
    try {
      const parts = await this.parts.claimRepository.fetchHeavy(runs);
      this.took(runs, parts, performance.now() - sentAt);
      return parts;
    } catch (error) {
      if (timedOut(error)) this.missed(runs);
      throw error;
    }
  }

  private took(runs: LaneRun[], parts: Map<string, HeavyParts>, ms: number): void {
    this.pace.took(parts.size, ms);
    const bytes = runs.reduce((sum, { id, weight }) => sum + (parts.has(id) ? weight : 0), 0);
    this.line.took(bytes, ms);
    for (const { lane } of runs) lane.heavy.enough = this.line.ahead;
  }

  private missed(runs: LaneRun[]): void {
    this.pace.missed(runs.length);
    const [run] = runs;
    if (!run || runs.length > 1) return;
    const tries = (this.tries.get(run) ?? 0) + 1;
    this.tries.set(run, tries);
    if (tries < MAX_TRIES || !run.lane.heavy.remove(run)) return;
    this.release(run, ASIDE_MS);
    this.parts.warn(tooHeavy(run));
  }

  /** A run that no longer holds its job is told so by its settle. */
  private receive(run: LaneRun, parts: HeavyParts | undefined): void {
    if (!parts) return this.release(run, 0);
    run.fill(parts);
    this.admit(run);
  }

  private release(run: LaneRun, delayMs: number): void {
    this.parts.settler.add(run, { kind: 'released', again: { delayMs }, reason: 'unstarted' });
  }

  private admit(run: LaneRun): void {
    if (run.isCancelled) this.parts.settler.add(run, CANCELLED_EARLY);
    else run.lane.add(run);
  }
}

function tooHeavy({ id, queue, weight }: LaneRun): { code: string; message: string } {
  const message = `Job ${id} of queue "${queue}" (${weight} bytes as stored) did not come through within queryTimeoutMs, ${MAX_TRIES} times. It goes back, and is tried again in ${ASIDE_MS / 1_000} s. Raise queryTimeoutMs, or keep large payloads elsewhere and enqueue a reference.`;
  return { code: 'JOB_TOO_HEAVY', message };
}

function* inTurn(lanes: WorkerLane[]): Generator<LaneRun> {
  for (let depth = 0, found = true; found; depth++) {
    found = false;
    for (const { heavy } of lanes) {
      const run = heavy.at(depth);
      if (run) yield run;
      found ||= run !== undefined;
    }
  }
}
