import type { Action } from './action.js';
import { backfillSchedule } from './actions/backfill-schedule.js';
import { cancelMany } from './actions/cancel-many.js';
import { cancelWorkflow } from './actions/cancel-workflow.js';
import { cancel } from './actions/cancel.js';
import { change } from './actions/change.js';
import { pauseSchedule } from './actions/pause-schedule.js';
import { pause } from './actions/pause.js';
import { purge } from './actions/purge.js';
import { redrive } from './actions/redrive.js';
import { release } from './actions/release.js';
import { removeLimit } from './actions/remove-limit.js';
import { resetLimit } from './actions/reset-limit.js';
import { resumeSchedule } from './actions/resume-schedule.js';
import { resume } from './actions/resume.js';
import { retryWorkflow } from './actions/retry-workflow.js';
import { retry } from './actions/retry.js';
import { runSchedule } from './actions/run-schedule.js';
import { setLimit } from './actions/set-limit.js';

/** By the name in their address. */
export const ACTIONS: Readonly<Record<string, Action>> = {
  retry,
  redrive,
  cancel,
  'cancel-many': cancelMany,
  purge,
  pause,
  resume,
  'set-limit': setLimit,
  'reset-limit': resetLimit,
  'remove-limit': removeLimit,
  change,
  release,
  'run-schedule': runSchedule,
  'backfill-schedule': backfillSchedule,
  'pause-schedule': pauseSchedule,
  'resume-schedule': resumeSchedule,
  'retry-workflow': retryWorkflow,
  'cancel-workflow': cancelWorkflow,
};
