import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const SCRIPT = resolve(import.meta.dirname, '../scripts/unused-exports.mjs');

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sq-exports-'));
  write(
    'package.json',
    '{ "exports": { ".": { "default": "./dist/lib/index.js" }, "./package.json": "./package.json" } }',
  );
});

afterEach(() => rmSync(folder, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(join(folder, dirname(path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

function check(): { status: number | null; told: string[] } {
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, told: stderr.split('\n').filter(Boolean) };
}

it('names each export that no other file imports, whatever it declares', () => {
  const declared = [
    'const a = 1, b = a',
    'function c() {}',
    'class D {}',
    'interface E {}',
    'type F = 1',
    'const { g: [h] } = i',
  ];
  write('lib/room/it.ts', declared.map((text) => `export ${text};\n`).join(''));
  write(
    'migrations/other.ts',
    "import { b, type F } from '../lib/room/it.js';\nexport abstract class J {}\n",
  );
  const names = ['a', 'c', 'D', 'E', 'h'].map((name) => `lib/room/it.ts: ${name}`);
  const told = [...names, 'migrations/other.ts: J'].map(
    (name) => `${name} is exported, and no other file imports it.`,
  );
  expect(check()).toEqual({ status: 1, told });
});

it.each([
  ['by name', "import { used as called } from '../lib/it.js';"],
  ['as a type', "import type { used } from '../lib/it.js';"],
  ['with all others', "import * as it from '../lib/it.js';"],
  ['later', "const { used } = await import('../lib/it.js');"],
  ['to hand it on', "export { used } from '../lib/it.js';"],
])('lets an export be that a test imports %s', (_, text) => {
  write('lib/it.ts', 'export const used = 1;\n');
  write('test/it.spec.ts', `${text}\n`);
  expect(check()).toEqual({ status: 0, told: [] });
});

it('lets what is published be, and what is kept', () => {
  write('lib/index.ts', 'export const published = 1;\n');
  write('lib/it.ts', 'const kept = 1;\nexport {};\n');
  expect(check()).toEqual({ status: 0, told: [] });
});
