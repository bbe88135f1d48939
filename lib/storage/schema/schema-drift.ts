import { EXPECTED_SCHEMA } from '../../../migrations/expected-schema.js';

type PartKind =
  | 'table'
  | 'parameter'
  | 'column'
  | 'index'
  | 'constraint'
  | 'domain'
  | 'trigger'
  | 'function'
  | 'sequence';

/** A part of the schema, as the server writes it. */
export interface SchemaPart {
  kind: PartKind;
  /** Its table; a function and a sequence own themselves. */
  owner: string;
  name: string;
  definition: string;
  /** False: an index that is not used, after a build that failed. */
  valid?: boolean;
}

/** How the tables differ from those that the migrations make. */
export interface SchemaDrift {
  missing: SchemaPart[];
  /** As it is, and as it should be. */
  changed: { is: SchemaPart; should: SchemaPart }[];
  /** On tables of ours; tables and functions beside them are nobody's business. */
  extra: SchemaPart[];
  invalid: SchemaPart[];
}

export function driftOf(found: SchemaPart[]): SchemaDrift {
  const expected = new Map(expectedParts().map((part) => [keyOf(part), part]));
  const tables = new Set([...expected.values()].map(({ owner }) => owner));
  const there = new Map(found.map((part) => [keyOf(part), part]));
  return {
    missing: withoutParts([...expected.values()].filter((part) => !there.has(keyOf(part)))),
    changed: found.flatMap((is) => {
      const should = expected.get(keyOf(is));
      return should && should.definition !== is.definition ? [{ is, should }] : [];
    }),
    extra: found.filter(
      (part) => !expected.has(keyOf(part)) && part.valid !== false && tables.has(part.owner),
    ),
    invalid: found.filter(({ valid }) => valid === false),
  };
}

/** A table that is missing lacks all of its parts; it is reported once. */
function withoutParts(missing: SchemaPart[]): SchemaPart[] {
  const tables = new Set(missing.filter(({ kind }) => kind === 'table').map(({ name }) => name));
  return missing.filter(({ kind, owner }) => kind === 'table' || !tables.has(owner));
}

const keyOf = ({ kind, owner, name }: SchemaPart): string => `${kind} ${owner} ${name}`;

function expectedParts(): SchemaPart[] {
  return EXPECTED_SCHEMA.trim()
    .split('\n')
    .flatMap((line) => {
      const [, kind, owner, items] = /^(\w+) (\w+): (.*)$/.exec(line)!;
      return items!.split(' | ').map((item) => partOf(kind as PartKind, owner!, item));
    });
}

function partOf(kind: PartKind, owner: string, item: string): SchemaPart {
  const space = item.indexOf(' ');
  return { kind, owner, name: item.slice(0, space), definition: item.slice(space + 1) };
}
