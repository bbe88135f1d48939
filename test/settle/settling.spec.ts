import type { FindRepository } from '../../lib/storage/reading/find.repository.js';
import type { SettleRepository } from '../../lib/storage/settle/settle.repository.js';
import type { ClaimRepository } from '../../lib/storage/claim/claim.repository.js';
import { describe, expect, it } from '@jest/globals';
import fc from '../support/properties.js';
import { Intake, type IntakeParts } from '../../lib/claim/intake.js';
import type { FoundJob } from '../../lib/job/job.js';
import type { Outcome } from '../../lib/job/outcome.js';
import { Line } from '../../lib/runtime/line.js';
import { Uuid7 } from '../../lib/runtime/uuid7.js';
import { DatabaseError } from '../../lib/storage/connection/database-errors.js';
import type { GroupRepository } from '../../lib/storage/groups/group.repository.js';
import type { Success, Return, RunKey, Burial } from '../../lib/storage/settle/ended-run.js';
import { Claims } from '../../lib/settle/claims.js';
import type { JobRun } from '../../lib/run/job-run.js';
import { LateAnswers } from '../../lib/settle/late-answers.js';
import { Poller, type PollerParts } from '../../lib/claim/poller.js';
import type { RunReports } from '../../lib/observability/run-reports.js';
import { Settler } from '../../lib/settle/settler.js';
import { Strays } from '../../lib/settle/strays.js';
import { SettleQueue } from '../../lib/settle/settle-queue.js';
import { aLane, aRun } from '../support/runs.js';

const FAULTS = ['none', 'none', 'none', 'cut before', 'cut after', 'refused'] as const;
type Fault = (typeof FAULTS)[number];

const error = (code?: string) =>
  new DatabaseError('settle', Object.assign(new Error('Connection terminated'), { code }));

/** As the statements are: what they are told of a job, and what they answer, goes by its id. Live jobs, and how the others have ended; says no, or nothing, as the test wants. */
class Table {
  readonly live = new Map<
    string,
    { epoch: number; attempt: number; reschedules: number; locked: number; cancelled: boolean }
  >();
  readonly ended = new Map<string, string>();
  createdAt = aRun().createdAt;

  constructor(private readonly faults: Fault[]) {}

  settleAndClaim = (_worker: string, successes: Success[]) =>
    this.statement(successes, (held) => {
      for (const { id } of held) this.end(id, 'succeeded');
      const done = held.map(({ id }) => id);
      return { jobs: [], lost: successes.map(({ id }) => id).filter((id) => !done.includes(id)) };
    });

  bury = (_worker: string, burials: Burial[]) =>
    this.statement(burials, (held) => {
      const verdicts = new Map(burials.map(({ id, verdict }) => [id, verdict]));
      const stateOf = (id: string) =>
        this.live.get(id)!.cancelled ? 'cancelled' : verdicts.get(id)!.state;
      return held.map(({ id }) => ({ id, state: this.end(id, stateOf(id)) }));
    });

  putBack = (returns: Return[]) =>
    this.statement(returns, (held) => {
      const changes = new Map(returns.map(({ id, change }) => [id, change]));
      return held.map(({ id }) => ({ id, moved: this.move(id, changes.get(id)!) }));
    });

  findUnlocked = async (ids: string[]): Promise<Set<string>> => {
    const locks = ids.filter((id) => (this.live.get(id)?.locked ?? 0) > 0);
    for (const id of locks) this.live.get(id)!.locked--;
    return new Set(ids.filter((id) => !locks.includes(id)));
  };

  find = async (id: string): Promise<FoundJob | undefined> =>
    ({
      state: this.ended.get(id) ?? 'running',
      ...this.live.get(id),
      createdAt: this.createdAt,
    }) as unknown as FoundJob;

  private async statement<Key extends RunKey, Answer>(
    keys: Key[],
    commit: (held: Key[]) => Answer,
  ): Promise<Answer> {
    await Promise.resolve();
    const fault = keys.length > 0 ? (this.faults.shift() ?? 'none') : 'none';
    if (fault === 'cut before') throw error();
    if (fault === 'refused') throw error('40P01');
    const held = keys.filter(({ id, epoch }) => this.live.get(id)?.epoch === epoch);
    const locks = held.map(({ id }) => this.live.get(id)!).filter((job) => job.locked > 0);
    for (const job of locks) job.locked--;
    if (locks.length > 0) throw error('55P03');
    const answer = commit(held);
    if (fault === 'cut after') throw error();
    return answer;
  }

  private move(id: string, change: Return['change']): boolean {
    const job = this.live.get(id)!;
    if (job.cancelled) return false;
    Object.assign(job, {
      epoch: job.epoch + 1,
      attempt: job.attempt + change.spent,
      reschedules: job.reschedules + change.rescheduled,
    });
    return true;
  }

  private end<State extends string>(id: string, state: State): State {
    this.live.delete(id);
    this.ended.set(id, state);
    return state;
  }
}

/** The settling half of a worker, on a table that is no database. */
function aSettlement(faults: Fault[]) {
  const table = new Table(faults);
  const jobs = table as unknown as FindRepository;
  const told = new Map<JobRun, string[]>();
  const note = (run: JobRun, what: string) => void told.set(run, [...(told.get(run) ?? []), what]);
  const reports = {
    polled: () => undefined,
    settled: (run: JobRun, { kind }: Outcome) => note(run, kind),
    leaseLost: (run: JobRun) => note(run, 'leaseLost'),
  };
  const shared = {
    jobs,
    claimRepository: table as unknown as ClaimRepository,
    settleRepository: table as unknown as SettleRepository,
    claims: new Claims(),
    reports: reports as unknown as RunReports,
    worker: 'test',
  };
  const late = new LateAnswers(jobs, shared.reports);
  const successOf = ({ run }: { run: JobRun }): Success => ({
    id: run.id,
    epoch: run.epoch,
    runMs: 0,
    keepMs: 1,
    output: undefined,
  });
  const groups = undefined as unknown as GroupRepository;
  const hooks = {
    onWork: () => undefined,
    onReturn: () => undefined,
    onTurns: () => undefined,
    onMoved: () => undefined,
  };
  const strays = new Strays({ ...shared, ...hooks } as never);
  const settleQueue = new SettleQueue({
    ...shared,
    groups,
    workflows: undefined as never,
    late,
    strays,
    successOf,
    ...hooks,
  });
  const settler = new Settler({
    ...shared,
    late,
    settleQueue,
    successOf,
    onSuccess: () => undefined,
  });
  const lanes = { all: () => [], room: 0, get: () => undefined };
  const parts = {
    ...shared,
    lanes,
    settler,
    arrivals: { line: new Line() },
    dispatcher: { startAll: () => undefined },
    ids: new Uuid7(),
    pollIntervalMs: 1,
    lease: () => 'lease',
    release: () => Promise.resolve(),
  };
  const intake = new Intake(parts as unknown as IntakeParts);
  const poller = new Poller({ ...parts, intake } as unknown as PollerParts);
  const round = () => Promise.allSettled([poller.poll(), poller.poll(), settleQueue.settle()]);
  return { table, told, settler, claims: shared.claims, round };
}

const fail = { name: 'Error', message: 'no' };
const OUTCOMES: Outcome[] = [
  { kind: 'succeeded', output: 1 },
  { kind: 'succeeded', output: 2 },
  { kind: 'retried', again: { delayMs: 0 }, error: fail },
  { kind: 'rescheduled', again: { delayMs: 0 } },
  { kind: 'released', again: { delayMs: 0 }, reason: 'unstarted' },
  { kind: 'cancelled', reason: 'no' },
  { kind: 'failed', error: fail },
  { kind: 'poisoned', error: fail },
];

const aJob = fc.record({
  outcome: fc.constantFrom(...OUTCOMES),
  fate: fc.constantFrom('held', 'held', 'held', 'reaped', 'cancel requested'),
  locked: fc.constantFrom(0, 0, 0, 1, 3),
  /** This process runs the job again, which it has lost meanwhile; both runs end at once, in any order. */
  again: fc.option(fc.record({ outcome: fc.constantFrom(...OUTCOMES), first: fc.boolean() }), {
    nil: undefined,
    freq: 2,
  }),
});

const isRunAgain = ({ fate, again }: { fate: string; again?: object }): boolean =>
  fate === 'reaped' && again !== undefined;

describe('settling, whatever the database does', () => {
  it('reports each run exactly once, as it truly ended, and lets go of every claim', async () => {
    const faults = fc.array(fc.constantFrom(...FAULTS), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(aJob, { minLength: 1, maxLength: 6 }), { maxLength: 6 }),
        faults,
        async (batches, said) => {
          const { table, told, settler, claims, round } = aSettlement([...said]);
          const runs: JobRun[] = [];
          for (const [index, batch] of batches.entries()) {
            const id = `claim ${index}`;
            claims.expect(id);
            const claim = claims.arrived(id, batch.length + batch.filter(isRunAgain).length);
            for (const { outcome, fate, locked, again } of batch) {
              const run = aRun({ epoch: index % 2 }, { claim, lane: aLane() });
              const epoch = fate === 'reaped' ? run.epoch + 1 : run.epoch;
              table.live.set(run.id, {
                epoch,
                attempt: 0,
                reschedules: 0,
                locked,
                cancelled: fate === 'cancel requested',
              });
              const second = aRun({ id: run.id, epoch }, { claim, lane: aLane() });
              const ends: [JobRun, Outcome][] = [[run, outcome]];
              if (fate === 'reaped' && again)
                ends[again.first ? 'unshift' : 'push']([second, again.outcome]);
              for (const [each, end] of ends) settler.add(each, end);
              runs.push(...ends.map(([each]) => each));
            }
            await round();
          }
          for (let turn = 0; turn < 60 && !(settler.isEmpty && !claims.hasEnded); turn++)
            await round();

          expect(runs.map((run) => told.get(run)?.length)).toEqual(runs.map(() => 1));
          const latest = new Map(runs.map(({ id }) => [id, Math.max(...runs.filter((run) => run.id === id).map(({ epoch }) => epoch))])); // prettier-ignore
          for (const run of runs) {
            const report = told.get(run)![0]!;
            // Whether a settle without an answer was its own doing a stale run cannot know.
            if (run.epoch < latest.get(run.id)!)
              expect(report === 'leaseLost' || run.unsure).toBe(true);
            else expect(isTrue(table, run, report)).toBe(true);
          }
          expect(claims.ids()).toEqual([]);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('does not take another life of the id for what became of this one: a success whose answer was lost is a success', async () => {
    const { table, told, settler, claims, round } = aSettlement(['cut after']);
    claims.expect('claim');
    const run = aRun({}, { claim: claims.arrived('claim', 1), lane: aLane() });
    const job = { epoch: 0, attempt: 0, reschedules: 0, locked: 0, cancelled: false };
    table.live.set(run.id, job);
    settler.add(run, { kind: 'succeeded', output: 1 });
    await round();
    table.live.set(run.id, { ...job, epoch: 5_000_000 });
    table.createdAt = new Date();
    for (let turn = 0; turn < 60 && !settler.isEmpty; turn++) await round();
    expect(told.get(run)).toEqual(['succeeded']);
  });
});

/** Is what was reported what the table says? */
function isTrue(table: Table, run: JobRun, report: string): boolean {
  const job = table.live.get(run.id);
  if (!job) return table.ended.get(run.id) === report;
  if (report === 'leaseLost') return job.epoch > run.epoch;
  return job.epoch === run.epoch + 1 && ['retried', 'rescheduled', 'released'].includes(report);
}
