import { spawnSync } from 'node:child_process';

const USER = 'postgres';

/** Whom the server runs as. PostgreSQL refuses to run as root, so root lends it the `postgres` account, made when missing. */
export interface Account {
  uid?: number;
  gid?: number;
}

export function serverAccount(): Account {
  if (process.getuid?.() !== 0) return {};
  return findUser() ?? createUser();
}

function findUser(): Account | undefined {
  const uid = numericId('-u');
  const gid = numericId('-g');
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

function numericId(flag: '-u' | '-g'): number | undefined {
  const { status, stdout } = spawnSync('id', [flag, USER], { encoding: 'utf8' });
  return status === 0 ? Number(stdout) : undefined;
}

function createUser(): Account {
  const { status, stderr, error } = spawnSync(
    'useradd',
    ['--system', '--user-group', '--no-create-home', USER],
    {
      encoding: 'utf8',
    },
  );
  const user = findUser();
  if (user) return user;
  throw new Error(
    `PostgreSQL does not run as root, and the account "${USER}" could not be created: ${error?.message ?? (stderr || status)}`,
  );
}
