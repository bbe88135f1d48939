// The statements of the built library are those of the sources: what shortens them in the bundle changes spaces and nothing else.
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inSchema } from '../migrations/schema.ts';

const MAKERS = /\b(?:statement|insertion)=\((\w+),(\w+)\)=>\(\{name:\1,text:\2/g;

/** How many were compared; throws with the names of those that differ. */
export async function compareStatements() {
  const { allStatements } = await import('../test/support/statements.ts');
  const shipped = await shippedTexts();
  const wanted = (await allStatements()).filter(([, { name }]) => name);
  const broken = wanted.filter(([name, { text }]) => !shipped.get(name)?.has(bare(text)));
  if (broken.length > 0)
    throw new Error(`Not sent as it is written: ${broken.map(([name]) => name).join(', ')}.`);
  return wanted.length;
}

const bare = (text) => inSchema(text, 'simple_queue').replaceAll(/\s+/g, '');

/** By name, as a copy of the built library makes them when each of its files is loaded. */
async function shippedTexts() {
  const folder = mkdtempSync(join(tmpdir(), 'sq-statements-'));
  try {
    cpSync('dist', join(folder, 'dist'), { recursive: true });
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), readFileSync('package.json'));
    const texts = new Map();
    globalThis.noteStatement = (name, text) =>
      void texts.set(name, (texts.get(name) ?? new Set()).add(bare(text)));
    const files = ['dist/lib', 'dist/migrations'].flatMap((room) => scripts(join(folder, room)));
    for (const file of files.filter(noteStatements)) await import(pathToFileURL(file).href);
    return texts;
  } finally {
    delete globalThis.noteStatement;
    rmSync(folder, { recursive: true });
  }
}

const scripts = (room) =>
  readdirSync(room, { recursive: true })
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(room, name));

/** A statement tells its text where it is made. False: the command line, which would run, and what imports it. */
function noteStatements(file) {
  const code = readFileSync(file, 'utf8');
  const noting = code.replaceAll(MAKERS, (maker, name, text) =>
    maker.replace('({', `({...noteStatement(${name},${text}),`),
  );
  if (noting !== code) writeFileSync(file, noting);
  return !/^#!|from"[./]+\/cli\/main\.js"/.test(code);
}
