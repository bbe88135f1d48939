import { templateLabel, type AnyTemplate } from '../job/job-template.js';
import { matches } from '../job/values/queue-pattern.js';
import { fitOf } from '../job/values/schema-fit.js';
import type { WaitingLane } from '../storage/diagnosis/diagnosis.js';
import type { Check, Examination } from './check.js';
import { critical, fine, type Observation } from './finding.js';
import { counted } from '../runtime/words.js';

const MOST_LANES = 1_000;
/** Jobs of each template; they are all of the same making, so a few say enough. */
const EACH = 50;

async function lookAtTemplates(examination: Examination): Promise<Observation[]> {
  const templates = knownTemplates(examination).filter(({ payload }) => payload !== undefined);
  if (templates.length === 0) return [];
  const waiting = await examination.diagnosis.waitingLanes(MOST_LANES);
  const observed: Observation[] = [];
  let looked = 0;
  for (const template of templates) {
    const { jobs, misfits, problem } = await sample(examination, template, waiting);
    looked += jobs;
    if (misfits > 0) observed.push(misfit(template, misfits, jobs, problem));
  }
  return observed.length > 0
    ? observed
    : [fine(`${counted(looked, 'queued job')} looked at: all fit their templates.`)];
}

/** What the caller names, and what handlers are made of; each once. */
function knownTemplates({ templates, handlers }: Examination): AnyTemplate[] {
  const registered = handlers?.all().flatMap(({ template }) => (template ? [template] : [])) ?? [];
  return [...new Set([...templates, ...registered])];
}

async function sample({ diagnosis }: Examination, template: AnyTemplate, waiting: WaitingLane[]) {
  const lanes = waiting
    .filter(({ queue, name }) => matches(template.queue, queue) && name === template.name)
    .map(({ lane }) => lane);
  const payloads = lanes.length > 0 ? await diagnosis.payloads(lanes, EACH) : [];
  let [misfits, problem] = [0, ''];
  for (const { payload } of payloads) {
    const found = await problemOf(template, payload);
    if (found === undefined) continue;
    misfits++;
    problem ||= found;
  }
  return { jobs: payloads.length, misfits, problem };
}

/** What a schema throws may quote the payload. */
async function problemOf(
  template: AnyTemplate,
  payload: string | null,
): Promise<string | undefined> {
  try {
    return (
      await fitOf(template.payload!, payload === null ? null : (JSON.parse(payload) as unknown))
    ).problem;
  } catch {
    return 'the schema threw an error';
  }
}

function misfit(
  template: AnyTemplate,
  misfits: number,
  jobs: number,
  problem: string,
): Observation {
  return critical(
    `${misfits} of ${counted(jobs, 'queued job')} of ${templateLabel(template)} that were looked at do not fit its schema: ${problem}.`,
    'This build would end them as unprocessable. Let its schema take the old form, too, until they are gone.',
  );
}

/** For a deploy: what is queued already, and this build could not read. */
export const TEMPLATE_CHECKS: readonly Check[] = [
  { code: 'TEMPLATES', subject: 'queued payloads', needsTables: true, look: lookAtTemplates },
];
