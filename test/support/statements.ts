import { readdirSync } from 'node:fs';
import type { Statement } from '../../lib/storage/connection/statement.js';

const ROOMS = ['storage', 'testing'].map((room) => new URL(`../../lib/${room}/`, import.meta.url));

/** Every statement of the library, by its name; those without one, which are never prepared, by that of their constant. */
export async function allStatements(): Promise<[string, Statement][]> {
  const found: [string, Statement][] = [];
  for (const file of ROOMS.flatMap(statementFiles)) {
    const exported = (await import(file)) as Record<string, Statement>;
    for (const [constant, statement] of Object.entries(exported))
      if (typeof statement.text === 'string') found.push([statement.name || constant, statement]);
  }
  return found;
}

const statementFiles = (room: URL): string[] =>
  readdirSync(room, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.sql.ts'))
    .map((name) => new URL(name, room).pathname);
