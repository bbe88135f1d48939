import type { WaitingLane } from '../storage/diagnosis/diagnosis.js';
import type { Check, Examination } from './check.js';
import { lookAtRetention } from './retention-check.js';
import { fine, notice, warning, type Observation } from './finding.js';
import { counted, listed } from '../runtime/words.js';
import { troubleCheck } from './trouble-checks.js';

/** Counts end here. */
const MOST = 1_000;

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

async function lookAtDefaults({ diagnosis }: Examination): Promise<Observation[]> {
  const { archiveDefault, deadLetterDefault } = await diagnosis.defaults(MOST);
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

const lookAtEnded = async (examination: Examination): Promise<Observation[]> => [
  ...(await lookAtDefaults(examination)),
  ...(await lookAtRetention(examination)),
];

/** Queues and who works them. */
export const QUEUE_CHECKS: readonly Check[] = [
  {
    code: 'HANDLERS',
    subject: 'the handlers of this build',
    needsTables: true,
    look: lookAtHandlers,
  },
  { ...troubleCheck('PARTITIONS', lookAtEnded), needsTables: true },
];
