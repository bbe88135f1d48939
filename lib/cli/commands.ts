import type { AddCommand } from './command.js';
import { addDoctor } from './commands/doctor.command.js';
import { addInit } from './commands/init.command.js';
import { addQueues } from './commands/queues.command.js';

/** In the order of the help. A new command is a file and a line here. */
export const COMMANDS: readonly AddCommand[] = [addQueues, addDoctor, addInit];
