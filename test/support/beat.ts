import type { Loop } from '../../lib/runtime/loop.js';
import type { Crew } from '../../lib/worker/crew.js';
import type { TestApplication } from './application.js';

export interface InsideWorker {
  crew: Crew;
  loops: Record<string, Loop>;
}

export const insideOf = ({ worker }: Pick<TestApplication, 'worker'>): InsideWorker =>
  worker['worker'] as unknown as InsideWorker;

/** The worker says now how it is. A beat of its own that is under way has looked before, and could be written after this one. */
export async function beatNow(application: Pick<TestApplication, 'worker'>): Promise<void> {
  const { crew, loops } = insideOf(application);
  await loops.beat!.stop();
  loops.beat!.start(await crew.heartbeat.beat());
}
