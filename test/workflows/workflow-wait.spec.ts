import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { workflow } from '../../lib/workflows/builder.js';
import { aWorkflowRig, type WorkflowRig } from '../support/workflows.js';

describe('who waits for a workflow', () => {
  let { test, workflows } = {} as WorkflowRig;

  beforeAll(async () => {
    ({ test, workflows } = await aWorkflowRig());
  });
  afterAll(() => test.close());

  const start = async () => (await workflows.start(workflow('w').step('s', 'nobody', 1))).id;
  const nextFailure = () => new Promise((resolve) => test.events.on('loopFailed', resolve));
  const rename = (from: string, to: string) =>
    test.database.query(`alter table simple_queue.${from} rename to ${to}`);

  it('goes on where a look at the database has failed, and that is reported', async () => {
    const id = await start();
    await rename('workflow', 'away');
    const [failed, end] = [nextFailure(), workflows.wait(id)];
    expect(await failed).toMatchObject({ loop: 'wait' });
    await rename('away', 'workflow');
    await workflows.cancel(id);
    expect(await end).toMatchObject({ id, state: 'cancelled' });
  });

  it('also where what it reads at the end has failed', async () => {
    const id = await start();
    await workflows.cancel(id);
    await rename('stage', 'away');
    const [failed, end] = [nextFailure(), workflows.wait(id)];
    await failed;
    await rename('away', 'stage');
    expect(await end).toMatchObject({ id, state: 'cancelled' });
  });

  it('is told at once where the application closes', async () => {
    const { test: closing, workflows: of } = await aWorkflowRig();
    const { id } = await of.start(workflow('w').step('s', 'nobody', 1));
    const refused = expect(of.wait(id)).rejects.toMatchObject({ code: 'CLOSED' });
    await closing.storage.onApplicationShutdown();
    await refused;
    await closing.close();
  });
});
