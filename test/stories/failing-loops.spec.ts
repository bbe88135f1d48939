import { expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { aHandler, PATIENT } from '../support/application.js';
import { beatNow, insideOf } from '../support/beat.js';
import { cli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { aStory } from '../support/story.js';

/** Its jobs wait, and all that anybody saw was a line in the log of each process. */
const story = aStory(PATIENT);

it('a worker whose claims fail again and again is a trouble until they go well', async () => {
  const { database } = story;
  const application = await story.start({
    providers: [aHandler('mail', () => undefined)],
  });
  const { queues, app } = application;
  const { loops, crew } = insideOf(application);
  const troubles = () => app.get(QueueAdmin, { strict: false }).troubles();
  await database.query(
    `create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'no claims today'; end $$`,
  );
  await database.query(
    'create trigger refuse before insert on simple_queue.claim for each statement execute function public.refuse()',
  );

  const { id } = await queues.enqueue('mail', 1, { delayMs: 1 });
  await eventually(() => expect(crew.poller.failures.failed.rounds).toBeGreaterThanOrEqual(3));
  await beatNow(application);
  expect(await troubles()).toEqual([]);
  for (const loop of Object.values(loops)) loop['goodAt'] -= 300_000;
  crew.poller.failures['since'] -= 300_000;
  await beatNow(application);

  const [trouble, ...others] = await troubles();
  expect(others).toEqual([]);
  expect(trouble).toMatchObject({ code: 'WORKER_FAILING', level: 'warning', count: 1 });
  expect(trouble!.text).toMatch(
    /^The loop poll of worker \S+ keeps failing for 5 minutes: .*no claims today.*\.$/,
  );
  const [listed] = await app.get(QueueAdmin, { strict: false }).workers();
  expect(listed).not.toHaveProperty('failing');
  const look = await cli(['status'], { env: { DATABASE_URL: database.url } });
  expect(look.out).toContain('WORKER_FAILING');

  await database.query('drop trigger refuse on simple_queue.claim');
  await eventually(async () => expect((await queues.find(id))?.state).toBe('succeeded'));
  await beatNow(application);
  expect(await troubles()).toEqual([]);
});
