import type { LimitKeeper } from '../limits/limit-keeper.js';
import { Intake } from '../claim/intake.js';
import { roundsOf, type Rounds, type Site } from '../maintenance/duties.js';
import type { QueueError } from '../job/queue.errors.js';
import type { QueueEventBus } from '../observability/events.js';
import type { QueueService } from '../queue.service.js';
import { Uuid7 } from '../runtime/uuid7.js';
import { QueuePolicies } from '../options/queue-policy.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import type { DeclaredSchedules } from '../schedules/declared-schedules.js';
import type { Signals } from '../storage/wake-ups/signals.js';
import { StandIn } from '../storage/leases/stand-in.js';
import type { Storage } from '../storage/storage.js';
import { ENDED, wakeUpFor } from '../storage/wake-ups/wake-up.js';
import { tellTurns } from '../storage/groups/vacant-turns.js';
import { Arrivals } from '../claim/arrivals.js';
import { BatchExecutor } from '../run/batch-executor.js';
import { Checkpointer } from '../run/checkpointer.js';
import { Claims } from '../settle/claims.js';
import { Completer } from '../settle/completer.js';
import { Dispatcher } from '../claim/dispatcher.js';
import type { Call } from '../run/job-batch.js';
import { Executor, type ExecutorParts } from '../run/executor.js';
import type { ContextTools } from '../run/context-tools.js';
import type { HandlerRegistry } from '../handlers/handler-registry.js';
import { Followers } from '../claim/followers.js';
import { FairPoller } from '../claim/fair-poller.js';
import { Vitals, type FailedLoop } from './vitals.js';
import { Heartbeat } from './heartbeat.js';
import { JobBatch } from '../run/job-batch.js';
import type { JobRun } from '../run/job-run.js';
import { ProgressWriter } from '../run/progress-writer.js';
import { LateAnswers } from '../settle/late-answers.js';
import { Poller } from '../claim/poller.js';
import { RunReports } from '../observability/run-reports.js';
import { Settler } from '../settle/settler.js';
import { Strays, type StraysParts } from '../settle/strays.js';
import { DirectClaimer } from '../claim/direct-claimer.js';
import { delayOf, putBackOf } from '../settle/commands.js';
import { successOf } from '../settle/success-of.js';
import { Suspects } from '../claim/suspects.js';
import { withMiddleware } from '../run/middleware.js';
import { SettleQueue, type SettleQueueParts } from '../settle/settle-queue.js';
import { WorkerLanes } from '../claim/worker-lanes.js';
import { Adder } from '../workflows/adder.js';
import { tellMoved } from '../workflows/advancer.js';
import { makeLimits, transactionLimit } from './worker-limits.js';

export interface WorkerParts {
  storage: Storage;
  options: ResolvedOptions;
  events: QueueEventBus;
  registry: HandlerRegistry;
  queues: QueueService;
  declared?: DeclaredSchedules | undefined;
}

/** What the crew tells the worker. */
interface CrewHooks extends Pick<Site, 'wake' | 'apply' | 'inTimeMs' | 'sweepsLater'> {
  name: string;
  wakePoller: () => void;
  wakeSettleQueue: () => void;
  /** Claimed jobs have heavy parts to be fetched. */
  onHeavy: () => void;
  /** A limit across the fleet is worth a round. */
  wakeLimits: () => void;
  onCancel: (ids: string[]) => void;
  onLost: () => void;
  failing: () => FailedLoop[];
}

/** The duties of one worker and what they share. */
export interface Crew {
  claims: Claims;
  lanes: WorkerLanes;
  settler: Settler;
  settleQueue: SettleQueue;
  strays: Strays;
  dispatcher: Dispatcher;
  arrivals: Arrivals;
  intake: Intake;
  poller: Poller;
  fairPoller: FairPoller;
  heartbeat: Heartbeat;
  suspects: Suspects;
  directClaimer: DirectClaimer;
  limits: LimitKeeper;
  /** What others may do as well. */
  duties: Rounds;
}

/** Statements give up after the query timeout; an answer that is later than that and a half will not come. */
const ANSWER_SHARE = 1.5;

/** Builds the duties of a worker; who knows whom is said here and nowhere else. */
export function assemble(parts: WorkerParts, hooks: CrewHooks): Crew {
  const { storage, options, registry } = parts;
  const most = transactionLimit(storage.database);
  const lanes = new WorkerLanes(storage.lanes, registry, options, most);
  const shared = { ...shareOf(parts, hooks), lanes };
  const settling = makeSettling(parts, shared, hooks);
  const dispatcher = makeDispatcher(parts, { ...shared, ...settling }, hooks);
  const heartbeat = makeHeartbeat(parts, { ...shared, dispatcher }, hooks);
  const claiming = makeClaiming(parts, { ...shared, ...settling, dispatcher, heartbeat }, hooks);
  lanes.onBatchDue = () => dispatcher.startAll();
  lanes.onForgotten = () => Promise.all([heartbeat.beat(), parts.storage.outcomes.declare()]);
  settling.settleQueue.followers = new Followers({ intake: claiming.intake, lanes });
  lanes.onRenamed = (runs) => claiming.intake.giveBack(runs, 'unstarted');
  const limits = makeLimits(parts, { lanes, dispatcher, intake: claiming.intake }, hooks);
  const duties = roundsOf({
    ...parts,
    ...hooks,
    lease: () => heartbeat.lease,
    lookEveryMs: lookEveryMs(options),
    lanes: () => lanes.openIds(),
  });
  const loops = { dispatcher, heartbeat, limits, duties };
  return { claims: shared.claims, lanes, ...settling, ...claiming, ...loops };
}

function shareOf({ storage, options, events }: WorkerParts, { name }: CrewHooks) {
  const { queryTimeoutMs } = options;
  const { jobs, claims: claimRepository, settlements: settleRepository } = storage;
  const reports = new RunReports(events);
  const late = new LateAnswers(jobs, reports);
  const warn: StraysParts['warn'] = (warning) => events.emit('warning', () => warning);
  return {
    jobs,
    claimRepository,
    settleRepository,
    claims: new Claims(queryTimeoutMs),
    ids: new Uuid7(),
    reports,
    late,
    warn,
    worker: name,
    queryTimeoutMs,
  };
}

type Shared = ReturnType<typeof shareOf> & { lanes: WorkerLanes };
type Settling = Pick<Crew, 'settler' | 'settleQueue' | 'strays'>;

/** The ways by which runs end. */
function makeSettling(
  { storage, events }: WorkerParts,
  shared: Shared,
  hooks: CrewHooks,
): Settling {
  const { groups, signals, workflows } = storage;
  const strays = new Strays({ ...shared, signals, onWork: hooks.wakeSettleQueue });
  const settling = {
    ...shared,
    groups,
    workflows,
    strays,
    successOf: successOf(shared.reports),
  };
  const settleQueue = makeSettleQueue(settling, { signals, events }, hooks);
  const settler = new Settler({ ...settling, settleQueue, onSuccess: hooks.wakePoller });
  return { settler, settleQueue, strays };
}

/** The ways by which jobs come; all of them go through the intake. */
function makeClaiming(
  { storage, options }: WorkerParts,
  shared: Shared & Settling & Pick<Crew, 'dispatcher' | 'heartbeat'>,
  { onHeavy, wakePoller }: CrewHooks,
) {
  const { dispatcher, heartbeat } = shared;
  const arrivals = new Arrivals({ ...shared, onHeavy });
  const intake = new Intake({ ...shared, arrivals, lease: () => heartbeat.lease });
  const claiming = { ...shared, arrivals, intake, pollIntervalMs: options.pollIntervalMs };
  return {
    arrivals,
    intake,
    poller: new Poller({ ...claiming, release: (lost) => heartbeat.free(lost) }),
    fairPoller: new FairPoller({ ...claiming, groups: storage.groups, onBack: wakePoller }),
    suspects: new Suspects({ ...claiming, dispatcher, onResume: wakePoller }),
    directClaimer: new DirectClaimer({ ...claiming, directClaims: storage.directClaims }),
  };
}

/** What starts runs, and what stands around each. */
function makeDispatcher(
  parts: WorkerParts,
  shared: Shared & Settling,
  { wake, wakePoller }: CrewHooks,
): Dispatcher {
  const { options, storage, events } = parts;
  const { carriers, telemetry, rescheduleForMs } = options;
  const { settler, lanes, reports } = shared;
  const settle: ExecutorParts['settle'] = (run, outcome) => {
    if (outcome.kind === 'released' && outcome.reason === 'slowDown')
      lanes.onSlowDown(run.lane, delayOf(outcome.again));
    settler.add(run, outcome);
    dispatcher.notice();
  };
  const tools = toolsOf(parts, shared, (run) => {
    if (run.isOrdered) wake('turn');
    if (run.isKeyed) wake('permit');
    if (run.isStep) wake('advance');
    if (run.hasOutcomes) storage.signals.send({ lanes: [], ...ENDED });
  });
  const { dataSource } = storage.database;
  const single = new Executor({ ...tools, reports, dataSource, rescheduleForMs, settle });
  const batches = new BatchExecutor(single, tools);
  const execute = (call: Call): Promise<void> =>
    call instanceof JobBatch ? batches.execute(call) : single.execute(call);
  const refuse = (run: JobRun, error: QueueError): void => settle(run, single.thrown(run, error));
  const around = withMiddleware(execute, { carriers, telemetry, events, refuse });
  const dispatcher: Dispatcher = new Dispatcher(() => lanes.held(), around, wakePoller);
  return dispatcher;
}

/** What a run's context reaches. */
function toolsOf(
  { storage, options, queues, events }: WorkerParts,
  { worker, reports }: Shared,
  onLeft: (run: JobRun) => void,
): ContextTools {
  const { maxOutputBytes } = options;
  const progress = new ProgressWriter(storage, events, reports);
  const checkpointer = new Checkpointer(storage, options.maxCheckpointBytes, progress);
  const completer = new Completer(storage, worker, { maxOutputBytes, reports, onLeft, progress });
  const adder = new Adder(storage, options);
  const added: ContextTools['added'] = (run, steps) => adder.textOf(run, steps);
  return { queues, completer, checkpointer, progress, added };
}

function makeHeartbeat(
  { storage, options, events, declared }: WorkerParts,
  { claims, ids, worker, lanes, dispatcher }: Shared & Pick<Crew, 'dispatcher'>,
  hooks: CrewHooks,
): Heartbeat {
  const onMissing = (reason: string): void => events.emit('warning', () => noStandIn(reason));
  const vitals = new Vitals();
  return new Heartbeat({
    about: () => vitals.about(dispatcher.full(), hooks.failing()),
    onEnd: () => vitals.stop(),
    leases: storage.leases,
    standIn: new StandIn(storage.database, { ...standInTerms(options), onMissing }),
    ids,
    worker,
    intervalMs: options.heartbeatIntervalMs,
    leaseMs: options.leaseMs,
    answerMs: options.queryTimeoutMs * ANSWER_SHARE,
    knownClaims: () => claims.ids(),
    lanes: () => lanes.ids(),
    policies: new QueuePolicies(options).ends(),
    schedules: declared?.names ?? [],
    onCancel: hooks.onCancel,
    onLost: hooks.onLost,
    onReleased: () => storage.signals.send({ lanes: [], ...ENDED }),
  });
}

const standInTerms = (options: ResolvedOptions) => {
  const { leaseMs, heartbeatIntervalMs: intervalMs, stuckMs, queryTimeoutMs } = options;
  return { leaseMs, intervalMs, stuckMs, queryTimeoutMs };
};

function noStandIn(reason: string): { code: string; message: string } {
  const message = `A handler that blocks the event loop for leaseMs would lose the lease of this process: no thread can keep it (${reason}). See docs/learn/handlers.md.`;
  return { code: 'NO_STAND_IN', message };
}

function makeSettleQueue(
  settling: Omit<SettleQueueParts, 'onWork' | 'onReturn' | 'onTurns' | 'onMoved'>,
  { signals, events }: { signals: Signals; events: QueueEventBus },
  { wakeSettleQueue, wake }: CrewHooks,
): SettleQueue {
  const onTurns: SettleQueueParts['onTurns'] = ({ vacant, keys, ...turns }) => {
    tellTurns(signals, turns);
    if (vacant > 0) wake('turn');
    if (keys) wake('permit');
  };
  const onMoved: SettleQueueParts['onMoved'] = (moved) => {
    tellMoved(moved, signals, events);
    if (moved.arrivals > 0) wake('advance');
  };
  const onReturn: SettleQueueParts['onReturn'] = (run, outcome) => {
    const ms = delayOf(outcome.again);
    if (ms > 0) wake('promote', ms);
    else signals.send(wakeUpFor(putBackOf(run, outcome)));
  };
  return new SettleQueue({ ...settling, onWork: wakeSettleQueue, onReturn, onTurns, onMoved });
}

/** With wake-ups the schedule knows when the next job is due; only what nobody told of (SQL by hand, a lost NOTIFY) waits for its look. */
const lookEveryMs = ({ wakeUp, pollIntervalMs }: ResolvedOptions): number =>
  (wakeUp === 'listen' ? 2 : 1) * pollIntervalMs;
