import { QueuePolicies } from '../options/queue-policy.js';
import type { WaitingLane } from '../storage/diagnosis/diagnosis.js';
import type { Check, Examination } from './check.js';
import { fine, notice, warning, type Observation } from './finding.js';
import { counted, listed, span } from '../runtime/words.js';

/** Counts end here. */
const MOST = 1_000;

async function lookAtLanes({ diagnosis }: Examination): Promise<Observation[]> {
  const waiting = await diagnosis.waitingLanes(MOST);
  const { workers, fullWorkers } = await diagnosis.troubles(MOST);
  const unserved = waiting.filter((lane) => lane.workers === 0);
  if (unserved.length === 0)
    return [fine(`${counted(workers, 'worker')} alive; every queue with jobs is served.`)];
  const names = listed(unserved.map(laneText));
  if (workers === 0)
    return [warning(`No worker is alive, and jobs wait: ${names}.`, 'Start a worker.')];
  if (fullWorkers > 0)
    return [
      notice(
        `${counted(fullWorkers, 'worker serves', 'workers serve')} more lanes than it asks for at once, and none asks now for: ${names}.`,
        'Lanes in which jobs wait take turns there. Look again; give queues to other processes (worker: { queues }), and put ids into the payload rather than into names.',
      ),
    ];
  return [
    warning(
      `${counted(workers, 'worker is', 'workers are')} alive, and none serves: ${names}.`,
      'Deploy a worker with a handler for it (and with its labels), or purge the jobs.',
    ),
  ];
}

function laneText({ queue, name, labels, jobs }: WaitingLane): string {
  const named = name === '' ? '' : ` name "${name}"`;
  const labelled = labels.length === 0 ? '' : ` labels ${labels.join('+')}`;
  const count = jobs > MOST ? `more than ${counted(MOST, 'job')}` : counted(jobs, 'job');
  return `queue "${queue}"${named}${labelled} (${count})`;
}

/** For a deploy: what is queued already, and this build would never run. */
async function lookAtHandlers({ diagnosis, handlers }: Examination): Promise<Observation[]> {
  if (!handlers || handlers.all().length === 0) return [];
  const unknown = (await diagnosis.waitingLanes(MOST)).filter(
    ({ queue, name }) => !handlers.find(queue, name),
  );
  if (unknown.length === 0) return [fine('This build has a handler for every job that is queued.')];
  const elsewhere = unknown.every(({ workers }) => workers > 0);
  return [
    (elsewhere ? notice : warning)(
      `This build has no handler for what is queued: ${listed(unknown.map(laneText))}.`,
      elsewhere
        ? 'Other workers serve them now. Where this build replaces those, keep the handler until the jobs are gone.'
        : 'Keep the handler until the jobs are gone, or purge them.',
    ),
  ];
}

async function lookAtPauses({ diagnosis }: Examination): Promise<Observation[]> {
  const { paused, pausedMs } = await diagnosis.troubles(MOST);
  if (paused.length === 0) return [];
  return [
    notice(
      `Paused, the longest for ${span(pausedMs ?? 0)}: ${listed(paused)}.`,
      'Resume what was forgotten.',
    ),
  ];
}

async function lookAtBlockedGroups({ diagnosis }: Examination): Promise<Observation[]> {
  const blocked = await diagnosis.blockedGroups(MOST);
  if (blocked.length === 0) return [fine('No ordered group is blocked.')];
  const text = listed(
    blocked.map(
      ({ queue, groups, since }) =>
        `queue "${queue}" (${counted(groups, 'group')}, since ${since.toISOString()})`,
    ),
  );
  return [
    warning(
      `Ordered groups are blocked by a failed job, and wait for a person: ${text}.`,
      'QueueAdmin.blockedGroups() or `simple-queue groups` lists them. Retry or purge the job that blocks, or release the group.',
    ),
  ];
}

async function lookAtSuspects({ diagnosis }: Examination): Promise<Observation[]> {
  const suspects = await diagnosis.suspects(MOST);
  if (suspects.length === 0) return [];
  const text = listed(
    suspects.map(({ queue, jobs }) => `queue "${queue}" (${counted(jobs, 'job')})`),
  );
  return [
    notice(
      `Suspected of killing their process, and waiting to run apart or alone: ${text}.`,
      'Look why workers died: the log of the process, the memory limit of the container. QueueAdmin.explain(id) explains a job.',
    ),
  ];
}

async function lookAtPoisoned({ diagnosis }: Examination): Promise<Observation[]> {
  const poisoned = await diagnosis.poisoned(MOST);
  if (poisoned.length === 0) return [];
  const text = listed(
    poisoned.map(({ queue, jobs }) => `queue "${queue}" (${counted(jobs, 'job')})`),
  );
  return [
    warning(
      `Poisoned within a day, since they killed their process again and again: ${text}.`,
      'Look at them in the dead letter queue (state poisoned), fix the handler, and redrive.',
    ),
  ];
}

async function lookAtPartitions({
  partitions,
  diagnosis,
  options,
}: Examination): Promise<Observation[]> {
  const kept = new QueuePolicies(options).longestKeepMs();
  const missing = await partitions.missingAhead(kept, diagnosis.run);
  return [...missingPartitions(missing), ...(await defaultPartitions(diagnosis))];
}

function missingPartitions(missing: string[]): Observation[] {
  if (missing.length === 0) return [fine('Partitions are there for what ends in the next days.')];
  return [
    warning(
      `Missing partitions: ${listed(missing)}. Ended jobs go to the default partition, from where they are deleted row by row.`,
      'A worker creates them every minute: see that one runs, that its role owns the tables, and its warnings (PARTITION).',
    ),
  ];
}

async function defaultPartitions(diagnosis: Examination['diagnosis']): Promise<Observation[]> {
  const { archiveDefault, deadLetterDefault } = await diagnosis.troubles(MOST);
  const held = Object.entries({
    archive_default: archiveDefault,
    dead_letter_default: deadLetterDefault,
  }).filter(([, rows]) => rows > 0);
  if (held.length === 0) return [];
  const text = held
    .map(([name, rows]) => `${name} (${rows > MOST ? `more than ${MOST}` : rows})`)
    .join(', ');
  return [
    notice(
      `Default partitions hold rows: ${text}. No partition can be created for their time; they are deleted in batches when it is over.`,
      'Partitions were missing when these ended, or the role of the workers may not create any. A worker moves up to 10,000 of them when it creates their partition.',
    ),
  ];
}

/** Queues and who works them. */
export const QUEUE_CHECKS: readonly Check[] = [
  { code: 'LANES', subject: 'who serves the queues', needsTables: true, look: lookAtLanes },
  {
    code: 'HANDLERS',
    subject: 'the handlers of this build',
    needsTables: true,
    look: lookAtHandlers,
  },
  { code: 'PAUSED_QUEUES', subject: 'paused queues', needsTables: true, look: lookAtPauses },
  {
    code: 'BLOCKED_GROUPS',
    subject: 'blocked groups',
    needsTables: true,
    look: lookAtBlockedGroups,
  },
  { code: 'SUSPECTS', subject: 'suspects', needsTables: true, look: lookAtSuspects },
  { code: 'POISONED_JOBS', subject: 'poisoned jobs', needsTables: true, look: lookAtPoisoned },
  { code: 'PARTITIONS', subject: 'the partitions', needsTables: true, look: lookAtPartitions },
];
