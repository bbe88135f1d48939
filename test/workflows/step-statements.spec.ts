import { expect, it } from '@jest/globals';
import { QueueWorkflows } from '../../lib/workflows/queue-workflows.js';
import { workflow } from '../../lib/workflows/builder.js';
import { aHandler } from '../support/application.js';
import { recordStatements } from '../support/recorded-statements.js';
import { aStory } from '../support/story.js';

const STEPS = 60;

const story = aStory();

it('the end of a step of a chain is one statement, which begins the next one', async () => {
  const { app } = await story.start({ providers: [aHandler('work', () => null)] });
  const flows = app.get(QueueWorkflows, { strict: false });
  let chain = workflow('chain').step('0', 'work', {});
  for (let n = 1; n < STEPS; n++)
    chain = chain.step(`${n}`, 'work', {}, { after: `${n - 1}` as '0' });
  const sent = recordStatements();
  try {
    const { id } = await flows.start(chain);
    expect((await flows.wait(id)).state).toBe('succeeded');
    const count = (name: string) => sent.names.filter((each) => each === name).length;
    expect(count('settle_steps')).toBeGreaterThanOrEqual(STEPS);
    // One that met a lock leaves again.
    expect(count('settle_steps')).toBeLessThanOrEqual(1.1 * STEPS);
    // The start stores the steps, and later ones as drafts: nothing else makes a job.
    expect([count('store_steps'), count('store_drafts')]).toEqual([1, 1]);
    expect(sent.names.filter((name) => name.startsWith('enqueue')).length).toBeLessThanOrEqual(1);
  } finally {
    sent.stop();
  }
});
