import { expect } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import type { TestApplication } from './application.js';
import { eventually } from './eventually.js';
import { lanesOf } from './lanes-of.js';

/** Pauses the queue, and waits until the workers of these applications have heard of it: until then they may claim from it. */
export async function pauseFor(applications: TestApplication[], queue: string): Promise<void> {
  await applications[0]!.app.get(QueueAdmin, { strict: false }).pause(queue);
  await eventually(() => {
    const lanes = applications.flatMap(lanesOf).filter((lane) => lane.queue === queue);
    expect(lanes.filter((lane) => !lane.isPaused)).toEqual([]);
  });
}
