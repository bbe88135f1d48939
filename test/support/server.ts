import { startPostgres } from '../../sample/local-postgres/local-postgres.ts';

export interface Server {
  url: string;
  /** Of a server that is ours alone. */
  version?: string;
  stop(): Promise<unknown>;
}

/**
 * The server that a test run uses: `DATABASE_URL`, or what `SQ_TEST_PG` names: a major version such as 13, or
 * `testcontainers:13` for the official image; without a version the newest.
 * Default: the embedded one.
 */
export async function aServer(env: NodeJS.ProcessEnv = process.env): Promise<Server> {
  if (env.DATABASE_URL) return { url: env.DATABASE_URL, stop: () => Promise.resolve() };
  const [kind, version] = (env.SQ_TEST_PG || 'embedded').split(':');
  return kind === 'testcontainers' ? aContainer(version) : startPostgres({ version: kind });
}

async function aContainer(version = '18'): Promise<Server> {
  const { PostgreSqlContainer } = await import('@testcontainers/postgresql');
  try {
    const container = await new PostgreSqlContainer(`postgres:${version}-alpine`)
      .withCommand(['postgres', '-c', 'max_connections=400', '-c', 'max_prepared_transactions=2'])
      .start();
    return { url: container.getConnectionUri(), stop: () => container.stop() };
  } catch (cause) {
    throw new Error(
      'SQ_TEST_PG=testcontainers needs a Docker daemon, and none could be used. Unset it for the embedded server.',
      { cause },
    );
  }
}
