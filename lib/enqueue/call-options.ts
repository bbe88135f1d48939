import type { CancelSelector } from '../job/enqueue-options.js';
import { checkManager } from '../job/joining.js';
import { checkQueueName } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import { checkText } from './option-checks.js';
import { shape, yesOrNo, type Rule } from '../runtime/rules.js';

/** Checked where it is used. */
const anything: Rule = () => [];

const joins = shape({ manager: anything });

/** What calls take beside their job. */
const TAKEN = {
  enqueueMany: shape({ manager: anything, maxPending: anything }),
  cancel: joins,
  change: shape({ manager: anything, as: anything }),
  commit: joins,
  abort: joins,
  complete: joins,
  checkpoint: shape({ manager: anything, extraAttempts: anything }),
  find: shape({ manager: anything, as: anything }),
  put: joins,
  'schedules.find': joins,
  pause: joins,
  resume: joins,
  trigger: joins,
  remove: joins,
  list: shape({ owner: anything, after: anything, limit: anything }),
  ticks: shape({ limit: anything }),
  prune: shape({ owner: anything, dryRun: yesOrNo }),
  backfill: shape({ manager: anything, from: anything, to: anything, dryRun: anything }),
} satisfies Record<string, Rule>;

const SELECTOR = shape({
  id: anything,
  uniqueKey: anything,
  fingerprint: anything,
  workflowId: anything,
  group: anything,
  queue: anything,
} satisfies Record<keyof CancelSelector, Rule>);

/** A mistyped `manager` would leave the transaction without a word. @throws QueueError `INVALID_OPTION` with what is not known. */
export function checkCall(call: keyof typeof TAKEN, options: object): void {
  refuse(call, TAKEN[call](options, ''));
  const { manager } = options as { manager?: unknown };
  if (manager !== undefined) checkManager(manager);
}

/** A mistyped `queue` would cancel in all of them. Also asked by the recording service of the test kit. */
export function checkSelector(selector: CancelSelector): CancelSelector {
  refuse('cancel', SELECTOR(selector, 'selector'));
  const { id, uniqueKey, fingerprint, workflowId, group, queue } = selector;
  if (
    [id, uniqueKey, fingerprint, workflowId, group].filter((value) => value !== undefined)
      .length !== 1
  ) {
    throw new QueueError(
      'INVALID_OPTION',
      'cancel: give exactly one of id, uniqueKey (with its queue), group (with its queue), fingerprint or workflowId.',
    );
  }
  if (queue === undefined && (uniqueKey ?? group) !== undefined) {
    const what = group === undefined ? 'uniqueKey' : 'group';
    throw new QueueError(
      'INVALID_OPTION',
      `cancel: a ${what} belongs to a queue. Give { queue, ${what} }.`,
    );
  }
  if (queue !== undefined) checkQueueName(queue);
  for (const [option, text] of Object.entries({ uniqueKey, fingerprint, workflowId, group }))
    if (text !== undefined) checkText(option, text, 'cancel');
  return selector;
}

function refuse(call: string, problems: string[]): void {
  if (problems.length > 0)
    throw new QueueError('INVALID_OPTION', `${call}: ${problems.join('; ')}.`);
}
