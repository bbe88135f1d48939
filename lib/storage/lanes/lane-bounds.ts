import type { LaneName } from '../../job/lane.js';
import { QueueError } from '../../job/queue.errors.js';
import { NO_LABELS } from '../../job/values/labels.js';

/** Lanes with labels of one queue: whoever puts ids into labels should learn it before every claim asks for thousands of lanes. */
export const MAX_LABELLED_LANES = 1_000;

/** Lanes of one queue beyond which there is a warning: whoever puts ids into names should learn it before every claim asks for all of them. */
export const MANY_LANES = 1_000;

/** Lanes that a queue may have, that a process serves, and that it remembers of those it enqueues to. */
export const MAX_LANES = 10_000;

const INSTEAD = 'put ids into the payload, a fingerprint or a group';

export function servedLanes(): { code: string; message: string } {
  const message = `This process serves more than ${MAX_LANES} lanes (queue, job name, labels). A claim asks for that many: the others take turns, and their jobs wait some seconds more. Give queues to other processes (worker: { queues }), and ${INSTEAD}.`;
  return { code: 'MANY_LANES', message };
}

export function manyLanes(queue: string): { code: string; message: string } {
  const message = `Queue "${queue}" has more than ${MANY_LANES} lanes: sets of job name and labels. Each claim asks for all; beyond ${MAX_LANES} new ones are refused. A name says which handler a job is for; ${INSTEAD}.`;
  return { code: 'MANY_LANES', message };
}

export function tooMany({ queue, labels = NO_LABELS }: LaneName): QueueError {
  const what =
    labels.length > 0
      ? `${MAX_LABELLED_LANES} names with labels`
      : `${MAX_LANES} lanes (sets of job name and labels)`;
  return new QueueError(
    'TOO_MANY_LANES',
    `Queue "${queue}" has ${what}, the most there may be. A name says which handler a job is for, labels what a worker must have (gpu, eu); ${INSTEAD}. Lanes that nobody uses go by themselves.`,
  );
}
