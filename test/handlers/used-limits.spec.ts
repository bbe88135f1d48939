import { expect, it } from '@jest/globals';
import { holdingLimits } from '../../lib/handlers/used-limits.js';
import { isHeld } from '../../lib/runtime/held-names.js';

it('follows what jobs hold only where QueueLimits was imported, which asks', async () => {
  const schema = 'simple_queue';
  const asking = { queue: 'work', options: { uses: ['api'] }, run: () => isHeld(schema, 'api') };
  const { run } = holdingLimits(asking as never, { queues: new Map(), schema });
  const ran = () => run({ queue: 'work' } as never, {} as never);

  expect(await ran()).toBe(false);
  await import('nestjs-simple-queue/limits');
  expect(await ran()).toBe(true);
});
