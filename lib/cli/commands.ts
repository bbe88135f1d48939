import type { AddCommand } from './command.js';
import { addAudit } from './commands/audit.command.js';
import { addCancel } from './commands/cancel.command.js';
import { addChange } from './commands/change.command.js';
import { addDashboard } from './commands/dashboard.command.js';
import { addDoctor } from './commands/doctor.command.js';
import { addEnqueue } from './commands/enqueue.command.js';
import { addExplain } from './commands/explain.command.js';
import { addGroups } from './commands/groups.command.js';
import { addInit } from './commands/init.command.js';
import { addJob } from './commands/job.command.js';
import { addJobs } from './commands/jobs.command.js';
import { addMaintain } from './commands/maintain.command.js';
import { addLimits } from './commands/limits.command.js';
import { addMigrate } from './commands/migrate.command.js';
import { addPause } from './commands/pause.command.js';
import { addPurge } from './commands/purge.command.js';
import { addQueues } from './commands/queues.command.js';
import { addRedrive } from './commands/redrive.command.js';
import { addRelease } from './commands/release.command.js';
import { addRetry } from './commands/retry.command.js';
import { addRoles } from './commands/roles.command.js';
import { addSessions } from './commands/sessions.command.js';
import { addSchedules } from './commands/schedules.command.js';
import { addSpool } from './commands/spool.command.js';
import { addStatus } from './commands/status.command.js';
import { addTail } from './commands/tail.command.js';
import { addTop } from './commands/top.command.js';
import { addWorkflow, addWorkflows } from './commands/workflows.command.js';
import { addWorkers } from './commands/workers.command.js';

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
