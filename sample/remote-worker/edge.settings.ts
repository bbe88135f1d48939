/** What the edge has to know. A class, so that Nest can inject it by its name. */
export abstract class EdgeSettings {
  /** Of PostgreSQL, or of Redis: `redis://...`, `rediss://...`. */
  abstract readonly databaseUrl: string;
  /** Who has it may work jobs. */
  abstract readonly token: string;
  /** All that remote workers ever get, whatever they ask for. */
  abstract readonly queues: readonly string[];
}

const MIN_TOKEN = 20;

/** `REMOTE_WORKER_TOKEN`, or why it will not do. */
export function tokenFrom(env: NodeJS.ProcessEnv): string {
  const token = env.REMOTE_WORKER_TOKEN ?? '';
  if (token.length >= MIN_TOKEN) return token;
  throw new Error(
    `Set REMOTE_WORKER_TOKEN to at least ${MIN_TOKEN} characters that nobody can guess: openssl rand -hex 32`,
  );
}
