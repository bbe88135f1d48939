import { QueueError } from '../../job/queue.errors.js';
import type { Action } from '../action.js';
import { eachId, ids } from '../each-id.js';
import type { Source } from '../source.js';

/** Ends waiting jobs, and asks running ones to stop. */
export const cancel: Action = {
  permission: 'cancel',
  takes: { ids },
  required: ['ids'],
  run: (source, said) => eachId(said.ids, (id) => cancelOne(source, id)),
};

async function cancelOne({ queues, admin }: Source, id: string): Promise<void> {
  const { cancelled, requested } = await queues.cancel({ id });
  if (cancelled + requested > 0) return;
  const state = (await admin.job(id))?.state;
  if (state === undefined) throw new QueueError('JOB_UNKNOWN', `There is no job ${id}.`);
  // It was asked before.
  if (state !== 'running')
    throw new QueueError('JOB_NOT_RUNNING', `Job ${id} has ended already, as ${state}.`);
}
