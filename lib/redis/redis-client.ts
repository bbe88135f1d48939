/** What is needed of node-redis: a client of `createClient`, `createCluster` or `createSentinel` has it. */
export interface RedisClient {
  withCommandOptions(options: { timeout: number }): ScriptRunner;
  duplicate(): Subscriber;
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
}

interface ScriptRunner {
  eval(script: string, call: ScriptCall): Promise<unknown>;
  evalSha(sha: string, call: ScriptCall): Promise<unknown>;
}

interface ScriptCall {
  keys: string[];
  arguments: string[];
}

/** A connection of its own: one that listens does nothing else. */
export interface Subscriber {
  connect(): Promise<unknown>;
  destroy(): unknown;
  on(event: string, listener: () => void): unknown;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
}
