import { listed } from '../runtime/words.js';
import type { Check, Examination } from './check.js';
import { warning, type Observation } from './finding.js';

const MOST = 100;

async function lookAtWorkflows({ diagnosis }: Examination): Promise<Observation[]> {
  const stuck = await diagnosis.stuckWorkflows(MOST);
  if (stuck.length === 0) return [];
  const named = stuck.map(({ id, name, step }) => `${name} ${id} (step ${step})`);
  return [
    warning(
      `Workflows wait for jobs that are gone, since somebody has deleted their rows: ${listed(named, 5)}.`,
      'Cancel them ("simple-queue workflows cancel"), or end what is missing by hand.',
    ),
  ];
}

export const WORKFLOW_CHECKS: readonly Check[] = [
  { code: 'WORKFLOWS', subject: 'the workflows', needsTables: true, look: lookAtWorkflows },
];
