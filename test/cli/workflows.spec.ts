import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { workflow } from '../../lib/workflows/builder.js';
import { QueueWorkflows } from '../../lib/workflows/queue-workflows.js';
import { cli } from '../support/cli.js';
import { aStorage, type TestStorage } from '../support/storage.js';

describe('workflows', () => {
  let test: TestStorage;
  let workflows: QueueWorkflows;
  let id: string;

  beforeAll(async () => {
    test = await aStorage();
    workflows = new QueueWorkflows(test.storage, resolveOptions({}).options, test.events);
    const flow = workflow('signup')
      .step('account', 'work', {})
      .each('tile', 'work', [1, 2], { after: 'account' })
      .step('mail', 'work', {}, { after: 'account' })
      .step('page', 'work', {}, { after: ['mail', 'tile'] })
      .step('alert', 'work', {}, { after: 'tile', when: 'failed' });
    ({ id } = await workflows.start(flow, { uniqueKey: 'a' }));
  });
  afterAll(() => test.close());

  const run = (...argv: string[]) => cli(argv, { env: { DATABASE_URL: test.database.url } });

  it('lists them by state and name', async () => {
    expect((await run('workflows')).out).toMatch(
      new RegExp(`^id .*\n${id} +signup +running +1 +6 `),
    );
    expect((await run('workflows', '--state', 'failed,cancelled')).out).toBe('There are no such workflows.\n'); // prettier-ignore
    expect((await run('workflows', '--name', 'signup', '--json')).json).toMatchObject({ workflows: [{ id, state: 'running', uniqueKey: 'a' }] }); // prettier-ignore
    expect(await run('workflows', '--state', 'lost')).toMatchObject({ code: 2 });
  });

  it('shows one as a tree, with what each step waits for', async () => {
    const { out, code } = await run('workflow', id);
    expect(code).toBe(0);
    expect(
      out
        .slice(out.indexOf('└'))
        .split('\n')
        .map((line) => line.trimEnd()),
    ).toEqual([
      '└ account    running',
      '  ├ tile     waiting    0 of 2; waits for account',
      '  │ └ alert  waiting    waits for tile; when failed',
      '  └ mail     waiting    waits for account',
      '    └ page   waiting    waits for tile, mail; also after tile',
      '',
    ]);
    expect(await run('workflow', randomUUID())).toMatchObject({
      err: expect.stringContaining('unknown'),
    });
    expect((await run('workflow', id, '--json')).json).toMatchObject({
      steps: [{ name: 'account' }, {}, {}, {}, {}],
    });
  });

  it('explains why a step has not begun', async () => {
    const [page] = (await workflows.find(id))!.steps[3]!.ids;
    const { out } = await run('explain', page!);
    expect(out).toContain(
      `It is the step "page" of workflow ${id}, and waits for the steps "tile", "mail".`,
    );
  });

  it('does not call failed what was cancelled', async () => {
    const { id: many } = await workflows.start(workflow('map').each('tile', 'work', [1, 2, 3]));
    await workflows.cancel(many);
    expect((await run('workflow', many)).out).toMatch(/└ tile +cancelled +3 of 3, 3 cancelled\n/);
  });

  it('cancels, and begins another attempt', async () => {
    expect((await run('workflows', 'cancel', id)).out).toBe(`${id}: is being cancelled\n`);
    expect((await workflows.find(id))!.state).toBe('cancelled');
    expect(await run('workflows', 'cancel', id)).toMatchObject({
      code: 1,
      out: `${id}: had ended, or compensates already\n`,
    });
    expect((await run('workflows', 'retry', id)).out).toBe(`${id}: attempt 2 has begun\n`);
    expect((await workflows.find(id))!).toMatchObject({ state: 'running', attempt: 2 });
    expect((await run('workflows', 'retry', id)).out).toContain('is still running');
  });
});
