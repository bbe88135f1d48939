import type { SchemaPart } from '../../lib/storage/schema/schema-drift.js';

/** The parts of a fresh schema as the file that the doctor compares with: a line a table and kind. */
export function expectedSchemaText(parts: SchemaPart[]): string {
  const lines = new Map<string, string[]>();
  for (const { kind, owner, name, definition } of parts) {
    const key = `${kind} ${owner}`;
    lines.set(key, [...(lines.get(key) ?? []), `${name} ${definition}`]);
  }
  const text = [...lines].map(([key, items]) => `${key}: ${items.join(' | ')}\n`).join('');
  return `/**
 * What the migrations leave behind, as the server describes it (sql/describe-schema); the doctor compares. Written anew after a change by
 * node --import ./test/support/typescript.mjs test/doctor/write-expected-schema.mjs
 */
export const EXPECTED_SCHEMA = \`\\
${text}\`;
`;
}
