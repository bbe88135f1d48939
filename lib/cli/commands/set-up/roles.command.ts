import type { AddCommand, Cli } from '../../command.js';
import { examples } from '../../examples.js';

/** `roles`: prints the statements that make the roles of least rights. No database is asked. */
export const addRoles: AddCommand = (program, act) => {
  program
    .command('roles')
    .description(
      'print SQL that creates roles of least privilege: enqueue, worker, operate, read, produce',
    )
    .option('--prefix <name>', 'what their names begin with', 'queue')
    .addHelpText(
      'after',
      examples('roles > roles.sql\nroles --schema billing_queue --prefix billing'),
    )
    .action(act((cli, { prefix }: { prefix: string }) => roles(cli, prefix)));
};

async function roles({ screen, flags: { schema } }: Cli, prefix: string): Promise<void> {
  const { roleScript } = await import('../../../../migrations/roles.js');
  const statements = roleScript(schema, prefix);
  const head = `-- Roles for the queue in schema "${schema}". Run it as a superuser, or as the owner of the tables with CREATEROLE; then: grant ${prefix}_worker to <login of the workers>;`;
  await screen.answer({ schema, prefix, statements }, () =>
    screen.text([head, ...statements.map((statement) => `${statement};`)].join('\n\n')),
  );
}
