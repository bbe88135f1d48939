import { expect, it } from '@jest/globals';
import { firstValueFrom, map, take, toArray } from 'rxjs';
import { aHandler } from '../support/application.js';
import { eventually } from '../support/eventually.js';
import { aStory } from '../support/story.js';

const story = aStory();

it('events() tells by type what happens in this process, as long as somebody is subscribed', async () => {
  const { queues, events } = await story.start({ providers: [aHandler('told', () => 'done')] });
  const heard = firstValueFrom(
    queues.events('started', 'succeeded').pipe(
      // The compiler knows the output of one and the wait of the other.
      map((one) =>
        one.type === 'succeeded'
          ? [one.type, one.event.output]
          : [one.type, typeof one.event.waitMs],
      ),
      take(2),
      toArray(),
    ),
  );
  await queues.enqueue('told', {});
  expect(await heard).toEqual([['started', 'number'], ['succeeded', 'done']]); // prettier-ignore
  expect(events.hasListener('enqueued')).toBe(false);

  const types: string[] = [];
  const all = queues.events().subscribe(({ type }) => types.push(type));
  await queues.enqueue('told', {});
  await eventually(() =>
    expect(types).toEqual(expect.arrayContaining(['enqueued', 'started', 'succeeded'])),
  );
  all.unsubscribe();
  expect(events.hasListener('enqueued')).toBe(false);
});

it('refuses an event that there is not, with the one that was meant', async () => {
  const { queues } = await story.start();
  expect(() => queues.events('completed' as 'succeeded')).toThrow(
    'events: "completed": there is no such event; did you mean "succeeded"?',
  );
});

it.each([
  [true, { levels: { polled: 'debug' } }],
  [false, {}],
  [false, false],
] as const)('listens for the log (%s) only to what it writes: %j', async (listens, logs) => {
  const { events } = await story.start({ options: { logs } });
  expect(events.hasListener('polled')).toBe(listens);
});
