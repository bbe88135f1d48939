import { expect, it } from '@jest/globals';
import { drain, expectWorkflow } from 'nestjs-simple-queue/testing';
import { QueueWorkflows, workflow } from 'nestjs-simple-queue/workflows';
import { JobResult } from '../../lib/job/job-result.js';
import type { Job } from '../../lib/job/job.js';
import { aHandler, PATIENT } from '../support/application.js';
import { aStory } from '../support/story.js';
import { UNHURRIED } from '../support/unhurried.js';

const story = aStory(PATIENT);

it('expectWorkflow finds a workflow by its steps, and shows what there is instead', async () => {
  const work = aHandler('work', (job: Job<string>) =>
    job.payload === 'bad' ? JobResult.unprocessable('no') : job.payload,
  );
  const { app } = await story.start({
    providers: [work],
    options: { worker: { autoStart: false } },
  });
  const workflows = app.get(QueueWorkflows, { strict: false });
  const order = (last: string) =>
    workflow('order')
      .step('reserve', 'work', 'reserve', { compensate: ['work', 'release'] })
      .step('pay', 'work', last, { after: 'reserve' });
  const { id } = await workflows.start(order('bad'), { uniqueKey: 'o-1' });
  await expectWorkflow(app, 'order', { state: 'running', steps: { pay: 'waiting' } });
  await drain(app, UNHURRIED);
  await workflows.start(order('good'));
  await drain(app, UNHURRIED);

  const found = await expectWorkflow(app, 'order', {
    state: 'compensated',
    uniqueKey: expect.stringMatching(/^o-/),
    steps: {
      reserve: { state: 'succeeded', compensation: { state: 'succeeded', done: 1 } },
      pay: { state: 'failed', error: { message: 'no' } },
    },
  });
  expect(found.id).toBe(id);
  expect((await expectWorkflow(app, 'order')).state).toBe('succeeded');

  await expect(expectWorkflow(app, 'order', { steps: { pay: 'skipped' } })).rejects.toThrow(
    `- ${id} compensated, attempt 1: reserve succeeded (compensation succeeded), pay failed`,
  );
  await expect(expectWorkflow(app, 'order', { steps: { pey: 'failed' } })).rejects.toThrow('There are:'); // prettier-ignore
  await expect(expectWorkflow(app, 'signup')).rejects.toThrow('of these names: "order"');
  const refused = { code: 'INVALID_OPTION' };
  await expect(expectWorkflow(app, 'order', { sate: 'failed' } as never)).rejects.toMatchObject({ ...refused, message: expect.stringContaining('Did you mean "state"?') }); // prettier-ignore
  await expect(expectWorkflow(app, 'order', [] as never)).rejects.toMatchObject(refused);
  await expect(expectWorkflow(app, 'no name')).rejects.toMatchObject({ code: 'INVALID_NAME' });
});

it('drain runs what waits for jobs of others, and ends where such a job does not', async () => {
  const { app, queues } = await story.start({
    providers: [aHandler('work', () => 1)],
    options: { worker: { autoStart: false } },
  });
  const workflows = app.get(QueueWorkflows, { strict: false });
  const jobs = [await queues.enqueue('work', 1), await queues.enqueue('nobody', 1)];
  for (const [n, { id }] of jobs.entries())
    await workflows.start(workflow(`w${n}`).job('other', id).step('a', 'work', 1, { after: 'other' })); // prettier-ignore
  await drain(app, UNHURRIED);
  await expectWorkflow(app, 'w0', { state: 'succeeded' });
  await expectWorkflow(app, 'w1', { steps: { other: 'running', a: 'waiting' } });
});
