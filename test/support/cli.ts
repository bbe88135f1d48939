import { run } from '../../lib/cli/run.js';

export interface CliAnswer {
  code: number;
  out: string;
  err: string;
  /** What it answered with `--json`. */
  json: unknown;
}

export interface CliSurroundings {
  env?: Record<string, string>;
  /** Of a terminal; default: it writes to a pipe. */
  columns?: number;
  input?: string;
  interruption?: AbortSignal;
  /** Told of each piece that it writes. */
  onOut?: (text: string) => void;
  onErr?: (text: string) => void;
}

/** Runs a command line in this process, as the shell would. */
export async function cli(argv: string[], given: CliSurroundings = {}): Promise<CliAnswer> {
  const written = { out: '', err: '' };
  const sinkOf = (name: 'out' | 'err') => ({
    isTTY: given.columns !== undefined,
    columns: given.columns,
    write: (text: string) => {
      written[name] += text;
      (name === 'out' ? given.onOut : given.onErr)?.(text);
    },
  });
  const interruption = given.interruption ?? new AbortController().signal;
  const code = await run(argv, {
    out: sinkOf('out'),
    err: sinkOf('err'),
    input: async () => given.input ?? '',
    env: given.env ?? {},
    interruption: () => interruption,
  });
  return { code, ...written, json: jsonIn(written.out) };
}

/** undefined for text, and for lines of JSON. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
