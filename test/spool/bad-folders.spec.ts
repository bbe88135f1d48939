import {
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { framed } from '../../lib/spool/record.js';
import { Spool } from '../../lib/spool/spool.js';
import type { SpoolSettings } from '../../lib/spool/state.js';
import { eventually } from '../support/eventually.js';
import { foldersIn } from '../support/spool.js';

const aRecord = (text: string) => ({ jobs: 1, body: Buffer.from(text) });
const DAY_S = 86_400;

describe('the folder of a spool that somebody changes while it is used', () => {
  let root: string;
  let folder: string;
  let warnings: { code: string; message: string }[];
  const opened: Spool[] = [];
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'spool-'));
    folder = join(root, 'deep', 'spool');
    warnings = [];
  });
  afterEach(async () => {
    for (const spool of opened.splice(0)) await spool.close();
    await rm(root, { recursive: true, force: true });
  });

  const open = async (given: Partial<SpoolSettings> = {}) => {
    const spool = await Spool.open({
      ...{ folder, maxBytes: 1024 * 1024, database: 'a', staleMs: 60_000 },
      warn: (warning) => warnings.push(warning),
      ...given,
    });
    opened.push(spool);
    return spool;
  };
  const codes = () => warnings.map(({ code }) => code);
  const texts = async (spool: Spool): Promise<string[]> => {
    const found: string[] = [];
    for (let next = await spool.oldest(); next; next = await spool.oldest()) {
      found.push(...(await spool.read(next)).map(({ body }) => String(body)));
      await spool.done(next);
    }
    return found;
  };

  it.each([0, 1, 2])(
    'deleted with all that leads to it: it is made again, and what it held (%i jobs) is not counted as safe',
    async (jobs) => {
      const spool = await open();
      for (let n = 0; n < jobs; n++) await spool.append(aRecord('lost'));
      await rm(join(root, 'deep'), { recursive: true });
      await spool.append(aRecord('a'));
      expect(await texts(spool)).toEqual(['a']);
      expect(codes()).toEqual(jobs > 0 ? ['SPOOL_GONE'] : []);
      if (jobs > 0) expect(warnings[0]!.message).toContain(`${jobs} acknowledged job(s)`);
    },
  );

  it('deleted while a part of it is replayed: the rest of that says so, too', async () => {
    const spool = await open();
    await spool.append(aRecord('lost'));
    const segment = await spool.oldest();
    await rm(folder, { recursive: true });
    expect([await spool.read(segment!), spool.isEmpty, codes()]).toEqual([
      [],
      true,
      ['SPOOL_GONE'],
    ]);
    await spool.done(segment!);
    await spool.append(aRecord('a'));
    expect(await texts(spool)).toEqual(['a']);
  });

  it('replaced by a file: a call fails with the reason, nothing goes behind what is gone, and the folder is used again', async () => {
    const spool = await open();
    await spool.append(aRecord('lost'));
    await rm(folder, { recursive: true });
    await writeFile(folder, '');
    await expect(spool.append(aRecord('a'))).rejects.toMatchObject({
      code: expect.stringMatching(/EEXIST|ENOTDIR/) as unknown,
    });
    expect([spool.isEmpty, codes()]).toEqual([true, ['SPOOL_GONE']]);
    await spool.upkeep();
    await rm(folder);
    await spool.append(aRecord('b'));
    expect(await texts(spool)).toEqual(['b']);
  });

  it('a link that leads nowhere: a start and a call fail with the reason, and it is used again', async () => {
    const link = join(root, 'link');
    await symlink(join(root, 'nowhere'), link);
    await expect(open({ folder: join(link, 'spool') })).rejects.toMatchObject({ code: 'EEXIST' });
    await mkdir(join(root, 'nowhere'));
    const spool = await open({ folder: link });
    await rm(join(root, 'nowhere'), { recursive: true });
    await expect(spool.append(aRecord('a'))).rejects.toMatchObject({ code: 'EEXIST' });
    await spool.upkeep();
    await mkdir(join(root, 'nowhere'));
    await spool.append(aRecord('b'));
    expect(await texts(spool)).toEqual(['b']);
  });

  it('moved to another place with the jobs in it: they are found there', async () => {
    const spool = await open();
    await spool.append(aRecord('moved'));
    await rename(folder, `${folder}-2`);
    await spool.append(aRecord('a'));
    expect([await texts(spool), codes()]).toEqual([['a'], ['SPOOL_GONE']]);
    const there = await open({ folder: `${folder}-2`, staleMs: 1 });
    await eventually(async () => {
      await there.upkeep();
      expect(await texts(there)).toContain('moved');
    });
  });

  it('keeps a segment that cannot be deleted, and nothing goes behind it', async () => {
    const spool = await open();
    await spool.append(aRecord('a'));
    const segment = (await spool.oldest())!;
    await rm(segment.path);
    await mkdir(join(segment.path, 'in it'), { recursive: true });
    await expect(spool.done(segment)).rejects.toThrow();
    spool.postpone(segment);
    expect(spool.state).toMatchObject({ jobs: 0 });
    expect([spool.isBehind, spool.isEmpty]).toEqual([false, false]);
    await spool.append(aRecord('b'));
    expect((await spool.oldest())!.isOwn).toBe(true);
    await rm(segment.path, { recursive: true });
    expect(await texts(spool)).toEqual(['b']);
    expect([spool.isEmpty, await foldersIn(folder)]).toEqual([true, []]);
  });

  it('stores what calls wait for before what others have left', async () => {
    const [dead, spool] = [await open(), await open()];
    await dead.append(aRecord('left'));
    await dead.close();
    await spool.append(aRecord('own'));
    await spool.upkeep();
    await spool.append(aRecord('own, too'));
    expect(spool.ownBytes).toBeLessThan(spool.bytes);
    expect(await texts(spool)).toEqual(['own', 'own, too', 'left']);
  });

  it.each([
    ['set back', DAY_S],
    ['set forward', -DAY_S],
  ])(
    'of a dead process is taken over by a clock that was %s, and that of a live one is not',
    async (_, offset) => {
      const at = () => Date.now() / 1_000 + offset;
      const [dead, live] = [await open(), await open()];
      for (const process of [dead, live]) await process.append(aRecord('a'));
      const [left] = await foldersIn(folder);
      const staleMs = 200;
      const heir = await open({ staleMs });
      for (const name of await foldersIn(folder)) await utimes(join(folder, name), at(), at());
      await heir.upkeep();
      expect(heir.isEmpty).toBe(true);
      for (let beats = 1; heir.isEmpty; beats++) {
        for (const name of (await foldersIn(folder)).filter((each) => each !== left))
          await utimes(join(folder, name), at() + beats, at() + beats);
        await heir.upkeep();
      }
      expect(heir.state.jobs).toBe(1);
      expect(await foldersIn(folder)).not.toContain(left);
    },
  );

  it('is not taken from processes that were paused along with this one', async () => {
    const [live, heir] = [await open(), await open({ staleMs: 1_000 })];
    await live.append(aRecord('a'));
    await heir.upkeep();
    const now = performance.now.bind(performance);
    performance.now = () => now() + 3_600_000;
    try {
      await heir.upkeep();
    } finally {
      performance.now = now;
    }
    expect(heir.isEmpty).toBe(true);
  });

  it('that nobody can read stops no other takeover, and is taken over when it can be read', async () => {
    const [bad, good] = [
      join(folder, '0'.repeat(8) + '-0000-0000-0000-000000000000'),
      await open(),
    ];
    await good.append(aRecord('good'));
    const segment = join(bad, '000000000001.spool');
    await mkdir(segment, { recursive: true });
    await utimes(bad, 0, 0);
    await good.close();
    const heir = await open();
    await heir.upkeep();
    await heir.upkeep();
    expect([await texts(heir), heir.state.refused, codes()]).toEqual([
      ['good'],
      1,
      ['SPOOL_REFUSED'],
    ]);
    await rm(segment, { recursive: true });
    await utimes(bad, 0, 0);
    await heir.upkeep();
    expect([heir.state.refused, await readdir(folder)]).toEqual([0, []]);
  });

  it('has a file whose first record has its checksum and makes no sense: it is kept as damaged', async () => {
    const left = join(folder, '0'.repeat(8) + '-0000-0000-0000-000000000000');
    await mkdir(left, { recursive: true });
    const odd = framed({ jobs: 0, body: Buffer.from('no JSON') });
    await writeFile(join(left, '000000000001.spool'), odd);
    await utimes(left, 0, 0);
    const heir = await open();
    await heir.upkeep();
    expect([await texts(heir), heir.state.aside.damaged]).toEqual([[], 1]);
    expect((await stat(dirname(left))).isDirectory()).toBe(true);
  });

  it('with a file put aside that nobody can read: it is counted, and what is around it goes on', async () => {
    const first = await open();
    await first.keepAside([aRecord('refused')], true);
    await mkdir(join(folder, 'aside', '1-x.again'));
    await first.append(aRecord('held'));
    const again = await open();
    expect(again.state.aside).toMatchObject({ jobs: 1, damaged: 1 });
    await again.upkeep();
    expect(await again.retry(false)).toBe(1);
  });

  it('moved away while a part of it is replayed: another part is not dropped for it', async () => {
    const spool = await open({ maxBytes: 64 * 1024 * 1024 });
    await spool.append(aRecord('first'));
    const first = (await spool.oldest())!;
    await rename(dirname(first.path), `${dirname(first.path)}-elsewhere`);
    await spool.upkeep();
    await spool.append({ jobs: 1, body: Buffer.alloc(2_200_000) });
    await spool.append(aRecord('third'));
    const { jobs } = spool.state;
    await spool.done(first);
    expect(spool.state.jobs).toBe(jobs);
  });
});
