import { startPostgres } from '../../sample/local-postgres/local-postgres.ts';

export interface Server {
  url: string;
  stop(): Promise<unknown>;
}

/**
 * The server that a test run uses: `DATABASE_URL`, or what `SQ_TEST_PG` names: `testcontainers`, or a major version such as 13.
 * Default: the embedded one.
 */
export async function aServer(env: NodeJS.ProcessEnv = process.env): Promise<Server> {
  if (env.DATABASE_URL) return { url: env.DATABASE_URL, stop: () => Promise.resolve() };
  if (env.SQ_TEST_PG === 'testcontainers') return aContainer();
  return startPostgres({ version: env.SQ_TEST_PG || 'embedded' });
}

async function aContainer(): Promise<Server> {
  const { PostgreSqlContainer } = await import('@testcontainers/postgresql');
  try {
    const container = await new PostgreSqlContainer('postgres:18-alpine')
      .withCommand(['postgres', '-c', 'max_connections=200', '-c', 'max_prepared_transactions=2'])
      .start();
    return { url: container.getConnectionUri(), stop: () => container.stop() };
  } catch (cause) {
    throw new Error(
      'SQ_TEST_PG=testcontainers needs a Docker daemon, and none could be used. Unset it for the embedded server.',
      { cause },
    );
  }
}
