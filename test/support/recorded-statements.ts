import pg from 'pg';

/** The names of all statements that this process sends. */
export function recordStatements(): { names: string[]; stop: () => void } {
  const names: string[] = [];
  const { query } = pg.Client.prototype as unknown as Record<'query', (this: void) => unknown>;
  const recorded = function (this: pg.Client, ...args: unknown[]): unknown {
    const { name, text } = args[0] as { name?: string; text?: string };
    names.push(name?.replace(/^sq_/, '') ?? text ?? String(args[0]));
    return Reflect.apply(query, this, args);
  };
  pg.Client.prototype.query = recorded as never;
  return { names, stop: () => void (pg.Client.prototype.query = query as never) };
}
