import { isTerminal, LOST } from '../job/job-state.js';
import { command, operand, span, type Called } from '../runtime/words.js';
import type { GroupState } from '../storage/groups/group.repository.js';
import type { StepOfJob } from '../storage/workflows/workflow-reading.repository.js';
import { putLaneBack } from '../storage/diagnosis/stray-rows.js';
import type { LanelessJob, Situation } from '../storage/reading/queue.repository.js';

/** Why a job does not run. */
export type ReasonCode =
  | 'BLOCKED'
  | 'CANCEL_REQUESTED'
  | 'ENDED'
  | 'FIRST_IN_LINE'
  | 'JOBS_AHEAD'
  | 'KEY_FULL'
  | 'LEASE_LOST'
  | 'LIMIT_FULL'
  | 'LIMIT_RESTS'
  | 'NOT_DUE'
  | 'NO_HANDLER'
  | 'NO_LANE'
  | 'NO_PLACE'
  | 'NO_WORKER'
  | 'QUEUE_PAUSED'
  | 'RATE_LIMITED'
  | 'RETRY_LATER'
  | 'RUNNING'
  | 'SLOTS_TAKEN'
  | 'STAGED'
  | 'WAITS_FOR_JOBS'
  | 'SUSPECT'
  | 'UNKNOWN'
  | 'WAITS_FOR_STEPS';

/** One reason: a code to match on, and the same in words. */
export interface Reason {
  code: ReasonCode;
  text: string;
}

type Look = (job: Situation) => Reason | undefined;

/** What comes before a job is counted up to here. */
export const MOST_AHEAD = 1_000;

const ended: Look = ({ state, finishedAt, attempt, worker, lastError }) => {
  if (!isTerminal(state)) return undefined;
  const where = worker ? ` on worker ${worker}` : '';
  const error =
    lastError && state !== 'succeeded'
      ? ` Its last error: ${lastError.name}: ${lastError.message}`
      : '';
  return {
    code: 'ENDED',
    text: `It ended as ${state} at ${timeOf(finishedAt)}${where}, after ${attemptsOf(attempt)}.${error}`,
  };
};

const running: Look = ({ state, holder, heldSince }) =>
  state === 'running' && holder
    ? {
        code: 'RUNNING',
        text: `It runs since ${timeOf(heldSince)} on worker ${holder}, or starts there within moments.`,
      }
    : undefined;

const leaseLost: Look = ({ state, holder, heldSince }) => {
  if (state !== 'running' || holder || !heldSince) return undefined;
  const text = `The worker that took it at ${timeOf(heldSince)} is silent. It is given back by the next round of a reaper, which every live worker has, unless an open transaction keeps it.`;
  return { code: 'LEASE_LOST', text };
};

const noPlace: Look = ({ state }) => {
  if (state !== LOST) return undefined;
  const text =
    'It is in no place, since somebody has deleted its row: no worker runs it, and none will. Retry puts it back, cancel ends it.';
  return { code: 'NO_PLACE', text };
};

const cancelRequested: Look = ({ state, cancelAt, heldSince }) =>
  state === 'running' && cancelAt && heldSince
    ? {
        code: 'CANCEL_REQUESTED',
        text: `It was asked to stop at ${timeOf(cancelAt)}. Its handler has not returned yet.`,
      }
    : undefined;

const retryLater: Look = ({ state, runAt, attempt, lastError }) => {
  if (state !== 'scheduled' || !lastError) return undefined;
  const error = `${lastError.name}: ${lastError.message}`;
  return {
    code: 'RETRY_LATER',
    text: `It runs again at ${timeOf(runAt)}, after ${attemptsOf(attempt)}. Its last error: ${error}`,
  };
};

const notDue: Look = ({ state, runAt, lastError }) =>
  state === 'scheduled' && !lastError
    ? { code: 'NOT_DUE', text: `It waits for its time, ${timeOf(runAt)}.` }
    : undefined;

const queuePaused: Look = ({ state, queue, pausedAt }) =>
  waits(state) && pausedAt
    ? {
        code: 'QUEUE_PAUSED',
        text: `Queue "${queue}" is paused since ${timeOf(pausedAt)}. Resume it.`,
      }
    : undefined;

const noWorker: Look = ({ state, workers, heldSince }) =>
  (waits(state) || (state === 'running' && heldSince)) && workers === 0
    ? { code: 'NO_WORKER', text: 'No worker is alive: no process holds a lease. Start one.' }
    : undefined;

const noHandler: Look = ({ state, workers, workersOfLane, fullWorkers, queue, name, labels }) => {
  if (!waits(state) || workers === 0 || workersOfLane > 0) return undefined;
  const jobs = name === '' ? `queue "${queue}"` : `"${name}" of queue "${queue}"`;
  const alive = `${countOf(workers, 'worker is', 'workers are')} alive, and none`;
  if (fullWorkers > 0) {
    const full = countOf(fullWorkers, 'of them serves', 'of them serve');
    return { code: 'NO_HANDLER', text: `${alive} asks for ${jobs} now. ${full} more lanes than it asks for at once; there lanes in which jobs wait take turns.` }; // prettier-ignore
  }
  if (!labels?.length) return { code: 'NO_HANDLER', text: `${alive} has a handler for ${jobs}.` };
  const all = labels.map((label) => `"${label}"`).join(', ');
  return {
    code: 'NO_HANDLER',
    text: `${alive} has both a handler for ${jobs} and the labels of the job: ${all}.`,
  };
};

const staged: Look = ({ state }) =>
  state === 'staged'
    ? { code: 'STAGED', text: 'It waits for its commit, and expires without one.' }
    : undefined;

const suspect: Look = ({ state, suspicion, stalls }) => {
  if (state !== 'ready' || !suspicion) return undefined;
  const how =
    suspicion > 2
      ? 'alone: a worker that serves it starts nothing else for a moment, in a fifth of its time where other jobs wait'
      : 'among others, of which half may be such jobs: as soon as a worker that serves it has a free slot';
  const times = ['', 'once', 'twice'][suspicion] ?? 'three times or more';
  const crashes = stalls > 0 ? ` Of these crashes ${stalls} may count against it: its stalls.` : '';
  return {
    code: 'SUSPECT',
    text: `It was in flight when a process died, ${times} in a row, so it waits to run ${how}.${crashes}`,
  };
};

const jobsAhead: Look = ({ state, suspicion, ahead, fair }) => {
  if (state !== 'ready' || suspicion || ahead === 0) return undefined;
  const many =
    ahead > MOST_AHEAD ? `More than ${MOST_AHEAD} jobs are` : countOf(ahead, 'job is', 'jobs are');
  return {
    code: 'JOBS_AHEAD',
    text: fair
      ? `${many} before it in its group. The groups of its queue take turns.`
      : `${many} before it.`,
  };
};

/** The others are known by their workers alone, and may be free again by now. */
const slotsTaken: Look = ({ state, suspicion, full, workersOfLane, pausedAt }) => {
  if (state !== 'ready' || suspicion || !full || pausedAt) return undefined;
  const [{ worker, slots, oldestMs, id }] = full as [(typeof full)[0]];
  const others = workersFull(full) - 1;
  const more = others > 0 ? ` So are those of ${others} more of the ${workersOfLane} workers that serve it.` : ''; // prettier-ignore
  const text = `All ${countOf(slots, 'slot', 'slots')} for it on worker ${worker} are taken by runs, the oldest for ${span(oldestMs)}${id ? ` (job ${id})` : ''}.${more}`;
  return { code: 'SLOTS_TAKEN', text };
};

const workersFull = (full: Situation['full']): number =>
  new Set(full?.map(({ worker }) => worker)).size;

/** The limits are those of processes, which the database does not know: what is left is named last, and only where nothing else holds. */
const firstInLine: Look = ({ state, suspicion, ahead, workersOfLane, pausedAt, fair, full }) => {
  if (state !== 'ready' || suspicion || ahead > 0 || workersOfLane <= workersFull(full) || pausedAt)
    return undefined;
  const workers = countOf(workersOfLane, 'worker serves', 'workers serve');
  const next = fair
    ? 'It is the next of its group, and the groups of its queue take turns.'
    : 'It is the next of its kind.';
  const text = `${next} ${workers} it: a free one claims it within a poll interval; else their limits are full.`;
  return { code: 'FIRST_IN_LINE', text };
};

/** Asked apart: only a blocked job has a group to look at. */
export function blocked(
  queue: string,
  group: string,
  { holder, dead, haltedBy, called }: GroupState & { called: Called },
): Reason {
  const which = group === '' ? `Queue "${queue}"` : `Group "${group}" of queue "${queue}"`;
  const release = command(
    ['release', queue, ...(dead ? operand(group).filter(Boolean) : ['--all'])],
    called,
  );
  const until = `Retry (a step: its ended workflow) or purge that job, or release the group (QueueAdmin.releaseGroup, \`${release}\`).`;
  if (dead)
    return {
      code: 'BLOCKED',
      text: `${which} is blocked by job ${dead.id}, which failed. ${until}`,
    };
  if (haltedBy)
    return {
      code: 'BLOCKED',
      text: `Queue "${queue}" is halted by job ${haltedBy}, which failed. ${until}`,
    };
  const before = holder ? `job ${holder} has the turn` : 'its turn is being passed on';
  return { code: 'BLOCKED', text: `${which} runs one job after another, and ${before}.` };
}

/** Asked apart: only a staged job may depend on others. */
export function dependent(ids: readonly string[]): Reason {
  const more = ids.length > SHOWN ? ` and ${ids.length - SHOWN} more` : '';
  const which = `${ids.length === 1 ? 'job' : 'jobs'} ${ids.slice(0, SHOWN).join(', ')}${more}`;
  return {
    code: 'WAITS_FOR_JOBS',
    text: `It depends on ${which}, and runs when all have succeeded.`,
  };
}

/** Asked apart. */
export function ofNoLane({ name, ...lane }: LanelessJob, { schema }: Called): Reason {
  const text = `The row of its lane (queue "${name ?? 'unknown'}") was deleted. Put it back, with the name of its jobs: ${putLaneBack(lane, schema)}`;
  return { code: 'NO_LANE', text };
}

/** Asked apart: a step that has not begun is no job yet. */
export function ofStep({ workflow, step, state, waitsFor, compensates }: StepOfJob): Reason {
  const which = `It ${compensates ? 'compensates' : 'is'} the step "${step}" of workflow ${workflow}`;
  if (state === 'skipped')
    return {
      code: 'ENDED',
      text: `${which}, and was skipped: what it waited for can no longer happen.`,
    };
  if (state !== null)
    return {
      code: 'ENDED',
      text: `${which}, and ended as ${state}; the job itself is not kept any more.`,
    };
  if (compensates)
    return {
      code: 'WAITS_FOR_STEPS',
      text: `${which}, and runs only if that workflow fails or is cancelled, after the compensations of what completed later.`,
    };
  const names = waitsFor.map((name) => `"${name}"`).join(', ');
  const what =
    names === ''
      ? 'to be enqueued within moments'
      : `for ${waitsFor.length === 1 ? 'the step' : 'the steps'} ${names}`;
  return { code: 'WAITS_FOR_STEPS', text: `${which}, and waits ${what}.` };
}

/** Every reason there is, the strongest first. A new one is a function and a line here. */
export const REASONS: readonly Look[] = [
  ended,
  noPlace,
  cancelRequested,
  running,
  leaseLost,
  queuePaused,
  noWorker,
  noHandler,
  retryLater,
  notDue,
  staged,
  suspect,
  slotsTaken,
  jobsAhead,
  firstInLine,
];

/** Ids in a sentence. */
const SHOWN = 5;

const waits = (state: Situation['state']): boolean =>
  state !== 'running' && state !== LOST && !isTerminal(state);

const timeOf = (date: Date | null): string => date?.toISOString() ?? 'an unknown time';

const attemptsOf = (attempts: number): string => countOf(attempts, 'attempt', 'attempts');

const countOf = (count: number, one: string, many: string): string =>
  `${count} ${count === 1 ? one : many}`;
