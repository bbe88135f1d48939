import { readdirSync } from 'node:fs';
import type { Statement } from '../../lib/storage/statement.js';

const FOLDERS = ['storage/sql', 'testing/sql'].map((folder) => new URL(`../../lib/${folder}/`, import.meta.url));

/** Every statement of the library, by its name; those without one, which are never prepared, by that of their constant. */
export async function allStatements(): Promise<[string, Statement][]> {
  const found: [string, Statement][] = [];
  for (const file of FOLDERS.flatMap((folder) => readdirSync(folder).map((name) => new URL(name, folder).pathname))) {
    const exported = (await import(file)) as Record<string, Statement>;
    for (const [constant, statement] of Object.entries(exported))
      if (typeof statement.text === 'string') found.push([statement.name || constant, statement]);
  }
  return found;
}
