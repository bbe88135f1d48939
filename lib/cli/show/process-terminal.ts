import { EXIT } from '../exit-code.js';
import type { Terminal } from './terminal.js';

const ENDED_BY = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated } as const;

interface ProcessSurroundings {
  surroundings: Terminal;
  /** Sets the exit code and lets what is written reach its reader. */
  end: (code: number) => void;
}

/** What surrounds a real process. */
export function processTerminal(process: NodeJS.Process): ProcessSurroundings {
  const controller = new AbortController();
  let asked = false;
  // Standard error is read by scripts, as JSON too: what the driver has to tell whoever writes programs with it does not belong there.
  process.removeAllListeners('warning');
  // Nobody reads it: the exit code still says it.
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  // `| head` has seen enough: that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (!asked) process.exit(0);
    controller.abort(EXIT.ok);
  });
  const interruption = (): AbortSignal => {
    if (!asked) listen(process, controller);
    asked = true;
    return controller.signal;
  };
  const surroundings = {
    out: process.stdout,
    err: process.stderr,
    input: readInput(process),
    env: process.env,
    interruption,
  };
  return { surroundings, end: (code) => void (process.exitCode = code) };
}

/** Once: the second Ctrl-C ends the process as if nobody listened. */
function listen(process: NodeJS.Process, controller: AbortController): void {
  for (const [signal, code] of Object.entries(ENDED_BY))
    process.once(signal, () => controller.abort(code));
}

function readInput({ stdin }: NodeJS.Process): () => Promise<string> {
  return async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of stdin) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  };
}
