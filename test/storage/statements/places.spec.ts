import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { UP } from '../../../migrations/1790000000000-initial.js';
import { NO_PLACES, PLACELESS, PLACES, REASONS, TABLE } from '../../support/places.js';
import { allStatements } from '../../support/statements.js';
import { aStorage, type TestStorage } from '../../support/storage.js';

const VERBS = { 'insert into': '+', 'delete from': '-', update: '~' };
const MARK = /^[-+~?]+$/;
/** Reasons that the text itself has to bear out. */
const NAMED: Record<string, RegExp> = { job: /simple_queue\.job\b/, view: /simple_queue\.jobs\b/ };

const ROWS = new Map(
  TABLE.trim()
    .split('\n')
    .slice(1)
    .map((row) => {
      const [name, ...cells] = row.trim().split(/\s+/);
      return [name!, cells];
    }),
);

/** What a text does to a place; '': it does not name it. */
function markOf(text: string, place: string): string {
  const writes = Object.entries(VERBS).filter(([verb]) =>
    new RegExp(`\\b${verb} simple_queue\\.${place}\\b`).test(text),
  );
  if (writes.length > 0) return writes.map(([, mark]) => mark).join('');
  return new RegExp(`\\bsimple_queue\\.${place}\\b`).test(text) ? '?' : '';
}

/** Also what the schema itself says of places. */
async function allTexts(): Promise<Map<string, string>> {
  const statements = (await allStatements()).map(([name, { text }]): [string, string] => [
    name,
    text,
  ]);
  const view = UP.find((text) => text.startsWith('create view'))!;
  const door = UP.find((text) => text.startsWith('create function'))!;
  return new Map([...statements, ['view_jobs', view], ['function_enqueue', door]]);
}

describe('the table of statements and places', () => {
  let test: TestStorage;
  let texts: Map<string, string>;

  beforeAll(async () => {
    test = await aStorage();
    texts = await allTexts();
  });
  afterAll(() => test.close());

  it('has a column for each table in which a job may stand or a turn be held', async () => {
    const tables = await test.database.query<{ name: string }>(
      `select relname::text as name from pg_class where relnamespace = 'simple_queue'::regnamespace and relkind in ('r', 'p') and not relispartition`,
    );
    const known = [...PLACES, ...Object.keys(NO_PLACES)];
    expect(tables.map(({ name }) => name).toSorted()).toEqual(known.toSorted());
  });

  it('has a line for each statement, or a reason why it knows no place', () => {
    const placeless = Object.values(PLACELESS).flatMap((names) => names.split(' '));
    expect([...ROWS.keys(), ...placeless].toSorted()).toEqual([...texts.keys()].toSorted());
    const naming = placeless.filter((name) =>
      PLACES.some((place) => markOf(texts.get(name)!, place) !== ''),
    );
    expect(naming).toEqual([]);
  });

  it('is decided in every cell', () => {
    const undecided = [...ROWS].filter(
      ([, cells]) =>
        cells.length !== PLACES.length ||
        cells.some((cell) => !MARK.test(cell) && !(cell in REASONS)),
    );
    expect(undecided).toEqual([]);
    const used = new Set([...ROWS.values()].flat());
    expect(Object.keys(REASONS).filter((reason) => !used.has(reason))).toEqual([]);
  });

  it('says what the texts do', () => {
    const wrong: string[] = [];
    for (const [name, cells] of ROWS)
      cells.forEach((cell, index) => {
        const [text, place] = [texts.get(name) ?? '', PLACES[index]!];
        const mark = markOf(text, place);
        const borneOut = NAMED[cell]?.test(text) ?? true;
        if (mark !== (MARK.test(cell) ? cell : '') || !borneOut)
          wrong.push(`${name} ${place}: ${cell}, not ${mark || 'unknown'}`);
      });
    expect(wrong).toEqual([]);
  });

  it('keeps what a job was wherever one ends, but where its row is not trusted', async () => {
    const both = await test.database.query<{ name: string }>(
      `select attname::text as name from pg_attribute where attrelid = 'simple_queue.job'::regclass and attnum > 0 and attname <> 'last_error'
       intersect select attname::text from pg_attribute where attrelid = 'simple_queue.archive'::regclass and attnum > 0`,
    );
    const inserts = /insert into simple_queue\.(archive|dead_letter) \(([^)]*)\)/g;
    const without = [...texts].filter(([, text]) =>
      [...text.matchAll(inserts)].some((match) =>
        both.some(({ name }) => !match[2]!.split(/,\s*/).includes(name)),
      ),
    );
    expect(both.length).toBeGreaterThan(10);
    expect(without.map(([name]) => name)).toEqual(['set_apart']);
  });
});
