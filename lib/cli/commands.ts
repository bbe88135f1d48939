import type { AddCommand } from './command.js';
import { addAudit } from './commands/look/audit.command.js';
import { addCancel } from './commands/act/cancel.command.js';
import { addChange } from './commands/act/change.command.js';
import { addDashboard } from './commands/look/dashboard.command.js';
import { addDoctor } from './commands/look/doctor.command.js';
import { addEnqueue } from './commands/act/enqueue.command.js';
import { addExplain } from './commands/look/explain.command.js';
import { addGroups } from './commands/look/groups.command.js';
import { addInit } from './commands/set-up/init.command.js';
import { addJob } from './commands/look/job.command.js';
import { addJobs } from './commands/look/jobs.command.js';
import { addMaintain } from './commands/act/maintain.command.js';
import { addLimits } from './commands/look/limits.command.js';
import { addMigrate } from './commands/set-up/migrate.command.js';
import { addPause } from './commands/act/pause.command.js';
import { addPurge } from './commands/act/purge.command.js';
import { addQueues } from './commands/look/queues.command.js';
import { addRedrive } from './commands/act/redrive.command.js';
import { addRelease } from './commands/act/release.command.js';
import { addRetry } from './commands/act/retry.command.js';
import { addRoles } from './commands/set-up/roles.command.js';
import { addSessions } from './commands/look/sessions.command.js';
import { addSchedules } from './commands/look/schedules.command.js';
import { addSpool } from './commands/act/spool.command.js';
import { addStatus } from './commands/look/status.command.js';
import { addTail } from './commands/look/tail.command.js';
import { addTop } from './commands/look/top.command.js';
import { addWorkflow, addWorkflows } from './commands/look/workflows.command.js';
import { addWorkers } from './commands/look/workers.command.js';

/** By what they are for, in the order of the help. A new command is a file and a line here. */
export const COMMANDS: Readonly<Record<string, readonly AddCommand[]>> = {
  'Look:': [
    addStatus,
    addQueues,
    addGroups,
    addLimits,
    addWorkers,
    addSessions,
    addJobs,
    addJob,
    addExplain,
    addTail,
    addDashboard,
    addTop,
    addSchedules,
    addWorkflows,
    addWorkflow,
    addAudit,
    addDoctor,
  ],
  'Act:': [
    addEnqueue,
    addRetry,
    addRedrive,
    addChange,
    addCancel,
    addPurge,
    addPause,
    addRelease,
    addMaintain,
    addSpool,
  ],
  'Set up:': [addInit, addMigrate, addRoles],
};
