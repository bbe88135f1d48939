#!/usr/bin/env node
import { processSurroundings } from './process-surroundings.js';
import { run } from './run.js';

const { surroundings, end } = processSurroundings(process);
void run(process.argv.slice(2), surroundings).then(end);
