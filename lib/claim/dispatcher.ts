import { JobBatch, type Call } from '../run/job-batch.js';
import type { JobRun } from '../run/job-run.js';
import type { FullSlots } from '../storage/leases/lease.repository.js';
import { fullSlots } from './full-slots.js';
import type { WorkerLane } from './worker-lane.js';

/** Starts waiting runs as permits allow, and knows what runs. */
export class Dispatcher {
  /** Runs, not jobs: a timed-out handler may go on beside the next run of its job. */
  private readonly running = new Map<Call, WorkerLane>();
  private readonly idleWaiters = new Set<() => void>();
  private halted = false;
  /** Told while halted: jobs wait that could start. */
  onHeld: () => void = () => undefined;
  /** Lanes whose jobs wait for permits: who has waited longest is first. */
  private readonly line = new Set<WorkerLane>();

  constructor(
    private readonly lanes: () => readonly WorkerLane[],
    private readonly execute: (call: Call) => Promise<void>,
    /** A permit came free: there may be room for another claim. */
    private readonly onRoom: () => void,
  ) {}

  get size(): number {
    return this.running.size;
  }

  runs(): JobRun[] {
    return [...this.running.keys()].flatMap((call) =>
      call instanceof JobBatch ? call.runs : call,
    );
  }

  /** What keeps other jobs from starting. */
  full(): FullSlots[] {
    return fullSlots(this.running, this.lanes());
  }

  /** Starts what may run. */
  startAll(): void {
    const lanes = this.lanes();
    if (this.halted && lanes.some((lane) => lane.canStart)) this.onHeld();
    if (this.halted) return;
    for (const lane of lanes) if (lane.buffered > 0) this.line.add(lane);
    this.serve();
  }

  /** Nothing new starts; what runs goes on. */
  halt(): void {
    this.halted = true;
  }

  resume(): void {
    this.halted = false;
    this.startAll();
  }

  /** Runs one job now, whatever waits: a lone suspect. */
  runAlone(run: JobRun<WorkerLane>): void {
    const call = run.lane.alone(run);
    this.running.set(call, run.lane);
    const ended = (): void => {
      this.running.delete(call);
      run.lane.fleet.giveBack();
      this.notice();
    };
    void this.execute(call).then(ended, ended);
  }

  /** Resolves once no unsettled run is left, or after `ms`; true when none is left. */
  async whenIdle(ms: number): Promise<boolean> {
    if (this.isIdle) return true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => done(false), Math.min(ms, 0x7fffffff));
      const waiter = () => this.isIdle && done(true);
      const done = (idle: boolean): void => {
        clearTimeout(timer);
        this.idleWaiters.delete(waiter);
        resolve(idle);
      };
      this.idleWaiters.add(waiter);
    });
  }

  /** Resolves once each unsettled run has run for `ms`, or none is left; nothing new may start meanwhile. */
  async whenKnown(ms: number): Promise<void> {
    const now = performance.now();
    const left = this.runs().map((run) => (run.settled ? 0 : (run.startedAt || now) + ms - now));
    const longest = left.reduce((most, each) => Math.max(most, each), 0);
    if (longest > 0) await this.whenIdle(longest);
  }

  /** A run that was settled while its handler goes on (timeout) holds up nobody. */
  get isIdle(): boolean {
    for (const run of this.running.keys()) if (!run.settled) return false;
    return true;
  }

  /** Told when a run was settled, or its handler has returned. */
  notice(): void {
    for (const waiter of this.idleWaiters) waiter();
  }

  /** What came free goes to the next in line, not back to the lane that had it: a backlog would keep it for ever. */
  private passOn(lane: WorkerLane): void {
    if (this.line.size === 1 && lane.canStart) this.launch(lane);
    else this.serve(lane);
  }

  /** Permits go round, one job of a lane at a time, as long as any may start; with `from`, as long as what it gave back is free. */
  private serve(from?: WorkerLane): void {
    for (const lane of this.line) {
      if (from && !from.hasLastPermit) return;
      let started: WorkerLane | undefined;
      while (started !== lane && lane.canStart) this.launch((started = this.nextOf(lane)));
      if (started || lane.buffered === 0) this.line.delete(lane);
      if (started && lane.buffered > 0) this.line.add(lane);
    }
  }

  /** Lanes of one queue have their turn together: the most urgent job among those that wait here. */
  private nextOf(lane: WorkerLane): WorkerLane {
    let next = lane;
    if (this.line.size === 1) return next;
    for (const other of this.line)
      if (other.queueId === lane.queueId && other.priority < next.priority && other.canStart)
        next = other;
    return next;
  }

  private launch(lane: WorkerLane): void {
    const run = lane.start();
    this.running.set(run, lane);
    const ended = (): void => this.ended(run, lane);
    void this.execute(run).then(ended, ended);
  }

  private ended(run: Call, lane: WorkerLane): void {
    this.running.delete(run);
    lane.ended(performance.now());
    if (!this.halted) this.passOn(lane);
    this.onRoom();
    if (this.idleWaiters.size > 0) this.notice();
  }
}
