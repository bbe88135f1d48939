/** Where text goes. */
export interface Sink {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/** What a run of the command line has around it: a process, or a test. */
export interface Terminal {
  /** Results. */
  out: Sink;
  /** Errors, notes and progress. */
  err: Sink;
  /** All of standard input. */
  input(): Promise<string>;
  env: Readonly<Record<string, string | undefined>>;
  /** Aborts on Ctrl-C, SIGTERM, or when nobody reads the results any more. Until it is asked for, those end the process at once. */
  interruption(): AbortSignal;
}
