import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { aHandler, PATIENT, type TestApplication } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { aStory, untilJobIs } from '../support/story.js';

const code = (value: string): unknown => expect.objectContaining({ code: value });

describe('a worker that the application starts and stops', () => {
  const story = aStory(PATIENT);
  const manual = (): Promise<TestApplication> =>
    story.start({
      options: { worker: { autoStart: false } },
      providers: [aHandler('work', () => 'done')],
    });
  const leases = async () => (await story.database.query('select from simple_queue.lease')).length;
  const works = async (application: TestApplication): Promise<void> => {
    const { id } = await application.queues.enqueue('work', null);
    await untilJobIs('succeeded', application, id);
  };

  it('starts once, however often it is told', async () => {
    const application = await manual();
    await Promise.all([application.worker.start(), application.worker.start()]);
    await application.worker.start();
    expect([application.seen('workerStarted').length, await leases()]).toEqual([1, 1]);
    await works(application);
  });

  it('has a connection for each loop that may be under way', async () => {
    const application = await manual();
    await application.worker.start();
    const { loops } = application.worker['worker'] as unknown as { loops: object };
    const besides = [
      'notifier',
      'endNotifier',
      'wait',
      'a second look at keys',
      'a turn that waits',
    ];
    const { max } = application.storage.database.loops['pool'].options;
    expect(max).toBe(Object.keys(loops).length + besides.length);
  });

  it('starts after a stop that is still under way', async () => {
    const application = await manual();
    const { worker } = application;
    await worker.start();
    await Promise.all([worker.stop(), worker.stop(), worker.start()]);
    expect([worker.isRunning, await leases()]).toEqual([true, 1]);
    await works(application);
  });

  it('is stopped by a stop during its start, and by one that finds it stopped', async () => {
    const { worker } = await manual();
    await worker.stop();
    const starting = worker.start();
    await worker.stop();
    await starting;
    await worker.stop();
    expect([worker.isRunning, worker.state, await leases()]).toEqual([false, 'stopped', 0]);
  });

  it('leaves nothing behind where its start fails half-way, and starts when it can', async () => {
    const application = await manual();
    await story.database.query('alter table simple_queue.lease rename to lease_away');
    await expect(application.worker.start()).rejects.toThrow(code('DATABASE_ERROR'));
    await story.database.query('alter table simple_queue.lease_away rename to lease');
    expect([application.worker.isRunning, application.worker.pulse]).toEqual([false, undefined]);
    await application.worker.start();
    await works(application);
  });

  it('is not started any more when the application closes', async () => {
    const application = await manual();
    await Promise.all([application.worker.start(), application.close()]);
    expect([application.worker.isRunning, await leases()]).toEqual([false, 0]);
    await expect(application.worker.start()).rejects.toThrow(code('CLOSED'));
    await expect(application.worker.runUntilEmpty()).rejects.toThrow(code('CLOSED'));
  });

  it('works until nothing is due for several who ask at once, and stops behind the last', async () => {
    const application = await manual();
    const { worker } = application;
    await application.queues.enqueueMany('work', [{ payload: 1 }, { payload: 2 }]);
    const counts = await Promise.all([worker.runUntilEmpty(), worker.runUntilEmpty()]);
    expect(counts).toMatchObject([{ succeeded: 2 }, { succeeded: 2 }]);
    expect([worker.state, await leases()]).toEqual(['stopped', 0]);
  });

  it('refuses who waits for the last job where the worker is stopped meanwhile', async () => {
    const gate = aGate();
    const application = await story.start({
      options: { worker: { autoStart: false } },
      providers: [aHandler('work', () => gate.passed, { concurrency: 1 })],
    });
    await application.queues.enqueueMany('work', [{ payload: 1 }, { payload: 2 }]);
    const run = expect(application.worker.runUntilEmpty()).rejects.toThrow(code('CLOSED'));
    await eventually(() => expect(application.seen('started')).toHaveLength(1));
    const stopped = application.worker.stop();
    gate.open();
    await stopped;
    await run;
  });

  it('works beside the worker of another application of this process, on one schema, and without it', async () => {
    const [one, two] = await Promise.all([manual(), manual()]);
    await Promise.all([one.worker.start(), two.worker.start()]);
    expect(await leases()).toBe(2);
    const jobs = await one.queues.enqueueMany(
      'work',
      Array.from({ length: 300 }, (_, payload) => ({ payload })),
    );
    for (const { id } of jobs) await untilJobIs('succeeded', two, id);
    await one.close();
    await works(two);
  });
});

it('a process that only enqueues loads no loops: nothing imports them but what a start imports', () => {
  const loaded = new Set<string>();
  const load = (file: URL): void => {
    if (loaded.has(file.href)) return;
    loaded.add(file.href);
    for (const [, path] of readFileSync(file, 'utf8').matchAll(IMPORTS))
      load(new URL(path!.replace(/\.js$/, '.ts'), file));
  };
  load(new URL('../../lib/index.ts', import.meta.url));
  const files = [...loaded].map((href) => href.slice(href.lastIndexOf('/lib/') + 1));
  expect(files).toContain('lib/worker/queue-worker.ts');
  for (const lazy of [
    'lib/worker/worker.ts',
    'lib/run/executor.ts',
    'lib/runtime/permits.ts',
    'lib/claim/poller.ts',
  ])
    expect(files).not.toContain(lazy);
});

/** Of ours, left at run time; `import()` is what starts load. */
const IMPORTS = /^(?:import|export) (?!type )(?:[^;]*? from )?'(\.[^']+)';/gm;
