import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, it } from '@jest/globals';
import { read, tableUnder } from './documents.js';

/** What git knows, and what is new. */
const FILES = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => existsSync(file));
const ARCHITECTURE = 'docs/architecture.md';

it('has no folder in which nobody finds anything: 28 files at most, beside its folders', () => {
  const sizes = new Map<string, number>();
  for (const file of FILES.filter((path) => /^(lib|migrations|dashboard)\//.test(path)))
    sizes.set(dirname(file), (sizes.get(dirname(file)) ?? 0) + 1);
  expect([...sizes].filter(([, files]) => files > 28)).toEqual([]);
});

it('takes a plain job through twelve files, which are there', () => {
  const [, count, text = ''] = /A plain job passes (\d+) files[^:]*:([^]*?)\. An ordered one/.exec(read(ARCHITECTURE))!; // prettier-ignore
  const stations = [...text.matchAll(/`(?:\w+\/)?([^`]+)`/g)].map(([, name]) => name!);
  const found = stations.filter((name) => FILES.some((path) => path.startsWith('lib/') && path.endsWith(`/${name}.ts`))); // prettier-ignore
  expect({ found, count: Number(count) }).toEqual({ found: stations, count: stations.length });
  expect(stations.length).toBeLessThanOrEqual(12);
});

it('describes rooms that are there, and every room', () => {
  const named = tableUnder(ARCHITECTURE, 'Rooms').flatMap(([cell]) => cell!.split(', '));
  const rooms = named.map((name) => (name.startsWith('lib/') || name === 'migrations/' ? name : name.startsWith('storage/') ? `lib/${name}` : `lib/storage/${name}`)); // prettier-ignore
  expect(rooms.filter((name) => !existsSync(name))).toEqual([]);
  const folders = FILES.map((file) => /^lib\/(storage\/)?[^/]+\//.exec(file)?.[0]);
  const missing = [...new Set(folders)].filter((folder) => folder && !rooms.includes(folder));
  expect(missing).toEqual([]);
});

it('adds a duty in four files and a place in ten', () => {
  const [duty, option] = tableUnder('CONTRIBUTING.md', 'Recipes').map(([, files]) => files!.split('<br>')); // prettier-ignore
  expect([duty!.length, option!.length]).toEqual([4, 4]);
  const place = tableUnder('CONTRIBUTING.md', 'Add a place').map(([files]) => files!);
  expect(place.length).toBeLessThanOrEqual(10);
  const named = [...duty!, ...place].flatMap((text) => text.match(/(lib|migrations|test)\/[\w/.-]+\w/g) ?? []); // prettier-ignore
  expect(named.length).toBeGreaterThan(8);
  expect(named.filter((path) => !path.includes('<') && !existsSync(path))).toEqual([]);
});
