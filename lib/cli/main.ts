#!/usr/bin/env node
import { processTerminal } from './show/process-terminal.js';
import { run } from './run.js';

const { surroundings, end } = processTerminal(process);
void run(process.argv.slice(2), surroundings).then(end);
