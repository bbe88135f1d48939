import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'; // prettier-ignore
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { framed, scanned } from '../../lib/spool/record.js';
import { Spool } from '../../lib/spool/spool.js';
import { SpoolRefusal } from '../../lib/spool/state.js';
import type { SpoolSettings } from '../../lib/spool/state.js';

const aRecord = (text: string, jobs = 1) => ({ jobs, body: Buffer.from(text) });
const textsOf = (records: { body: Buffer }[]): string[] => records.map(({ body }) => String(body));

/** A disk of 64 KiB; false where nobody may make one. */
async function isSmallDisk(path: string): Promise<boolean> {
  await mkdir(path);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('records', () => {
  const three = ['one', 'two SQr1 two', 'three'].map((text) => framed(aRecord(text)));

  it('come back as they were written', () => {
    const scan = scanned(Buffer.concat(three));
    expect(textsOf(scan.records)).toEqual(['one', 'two SQr1 two', 'three']);
    expect(scan).toMatchObject({ damaged: [], tornBytes: 0 });
  });

  it('are cut where the last one was never finished, at whatever byte', () => {
    const whole = Buffer.concat(three);
    const last = three[2]!.length;
    for (let bytes = 1; bytes < last; bytes++) {
      const scan = scanned(whole.subarray(0, whole.length - last + bytes));
      expect(textsOf(scan.records)).toEqual(['one', 'two SQr1 two']);
      expect(scan).toMatchObject({ damaged: [], tornBytes: bytes });
    }
  });

  it('are cut where the file had only grown', () => {
    const scan = scanned(Buffer.concat([...three, Buffer.alloc(100)]));
    expect(scan).toMatchObject({ damaged: [], tornBytes: 100 });
    expect(scan.records).toHaveLength(3);
  });

  it('hand over what is damaged, whatever byte it is, and go on behind it', () => {
    const start = three[0]!.length;
    for (let at = start; at < start + three[1]!.length; at++) {
      const bytes = Buffer.concat(three);
      bytes[at]! ^= 0x55;
      const { records, damaged, tornBytes } = scanned(bytes);
      expect(textsOf(records)).toEqual(['one', 'three']);
      expect([damaged.length, damaged[0]!.length, tornBytes]).toEqual([1, three[1]!.length, 0]);
    }
  });

  it('hand over a last one that is whole and damaged', () => {
    const bytes = Buffer.concat(three);
    bytes[bytes.length - 1]! ^= 1;
    expect(scanned(bytes).damaged).toHaveLength(1);
  });

  it('say nothing of an empty file', () => {
    expect(scanned(Buffer.alloc(0))).toEqual({ records: [], damaged: [], tornBytes: 0 });
  });
});

describe('the folder of a spool', () => {
  let folder: string;
  let warnings: string[];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spool-'));
    warnings = [];
  });
  afterEach(async () => {
    for (const spool of opened.splice(0)) await spool.close();
    await rm(folder, { recursive: true, force: true });
  });

  const opened: Spool[] = [];
  const open = async (given: Partial<SpoolSettings> = {}) => {
    const spool = await Spool.open({
      ...{ folder, maxBytes: 1024 * 1024, database: 'a', staleMs: 60_000 },
      warn: ({ code }) => warnings.push(code),
      ...given,
    });
    opened.push(spool);
    return spool;
  };
  const folders = async () => (await readdir(folder)).filter((name) => name !== 'aside');
  const die = async () => {
    for (const name of await folders()) await utimes(join(folder, name), 0, 0);
  };
  const texts = async (spool: Spool): Promise<string[]> => {
    const found: string[] = [];
    for (let next = await spool.oldest(); next; next = await spool.oldest()) {
      found.push(...textsOf(await spool.read(next)));
      await spool.done(next);
    }
    return found;
  };

  it('has nothing in it until something is spooled, and nothing afterwards', async () => {
    const spool = await open();
    expect(await folders()).toEqual([]);
    await Promise.all(['a', 'b', 'c'].map((text) => spool.append(aRecord(text))));
    expect(spool.state).toMatchObject({ jobs: 3 });
    expect((await stat(join(folder, (await folders())[0]!))).mode & 0o077).toBe(0);
    expect(await texts(spool)).toEqual(['a', 'b', 'c']);
    expect([await folders(), spool.isEmpty, spool.state.bytes]).toEqual([[], true, 0]);
  });

  it('holds back later calls at each moment until its jobs are stored', async () => {
    const spool = await open();
    await spool.append(aRecord('a'));
    let taken = false;
    const taking = spool.oldest().finally(() => (taken = true));
    while (!taken) {
      expect([spool.isBehind, spool.isEmpty]).toEqual([true, false]);
      await Promise.resolve();
      if (!taken) await new Promise(setImmediate);
    }
    expect(await texts(spool)).toEqual(['a']);
    expect((await taking)!.jobs).toBe(0);
  });

  it('is taken over from a dead process, by one of many, and not from a live one', async () => {
    const dead = await open();
    await dead.append(aRecord('a'));
    const others = await Promise.all([open(), open(), open()]);
    await Promise.all(others.map((spool) => spool.upkeep()));
    expect(others.every((spool) => spool.isEmpty)).toBe(true);
    await die();
    await Promise.all(others.map((spool) => spool.upkeep()));
    expect(others.map(({ state }) => state.jobs).sort()).toEqual([0, 0, 1]);
    expect((await Promise.all(others.map(texts))).flat()).toEqual(['a']);
  });

  it('is left for others at once when its process ends', async () => {
    const [first, second] = [await open(), await open()];
    await first.append(aRecord('a'));
    await first.close();
    await second.upkeep();
    expect(await texts(second)).toEqual(['a']);
  });

  it('acknowledges nothing into a folder that was taken over: it writes it once more elsewhere', async () => {
    const [frozen, other] = [await open(), await open()];
    await frozen.append(aRecord('a'));
    await die();
    await other.upkeep();
    await frozen.append(aRecord('b'));
    // The other one may read it as well: an id makes one job of both.
    expect(await texts(other)).toEqual(['a', 'b']);
    expect([await texts(frozen), frozen.isEmpty]).toEqual([['b'], true]);
  });

  it('refuses more than it may hold, whole calls, and takes what fits', async () => {
    const spool = await open({ maxBytes: 220 });
    const calls = ['x'.repeat(150), 'y'.repeat(150), 'z'].map((text) =>
      spool.append(aRecord(text)),
    );
    const answers = await Promise.allSettled(calls);
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(answers[1]).toMatchObject({ reason: expect.any(SpoolRefusal) as unknown });
    expect((await texts(spool)).map((text) => text.length)).toEqual([150]);
    await spool.append(aRecord('z'));
  });

  it('leaves what belongs to another database or has another format, and says so once', async () => {
    const other = await open({ database: 'b' });
    await other.append(aRecord('a'));
    const [name] = await folders();
    await die();
    const spool = await open();
    await spool.upkeep();
    await die();
    await spool.upkeep();
    expect([await folders(), spool.state.refused, warnings]).toEqual([
      [name],
      1,
      ['SPOOL_REFUSED'],
    ]);
    await writeFile(
      join(folder, name!, '000000000001.spool'),
      framed({ jobs: 0, body: Buffer.from('{"format":2,"database":"a"}') }),
    );
    const younger = await open();
    await younger.upkeep();
    expect(younger.state).toMatchObject({ refused: 1, jobs: 0 });
  });

  it('keeps damaged bytes aside and replays what is around them', async () => {
    const spool = await open();
    for (const text of ['one', 'two', 'three']) await spool.append(aRecord(text));
    const segment = await spool.oldest();
    const bytes = await readFile(segment!.path);
    bytes[bytes.indexOf('two')]! ^= 1;
    await writeFile(segment!.path, bytes);
    expect(await texts(spool)).toEqual(['one', 'three']);
    expect([spool.state.aside.damaged, warnings]).toEqual([1, ['SPOOL_DAMAGED']]);
  });

  it('keeps a whole file aside whose header nobody can read', async () => {
    const spool = await open();
    await spool.append(aRecord('one'));
    const segment = await spool.oldest();
    const bytes = await readFile(segment!.path);
    bytes[10]! ^= 1;
    await writeFile(segment!.path, bytes);
    expect(await texts(spool)).toEqual([]);
    expect(spool.state.aside.damaged).toBe(1);
  });

  it('cuts a torn last record, and says so', async () => {
    const spool = await open();
    for (const text of ['one', 'two']) await spool.append(aRecord(text));
    const segment = await spool.oldest();
    await truncate(segment!.path, (await stat(segment!.path)).size - 1);
    expect([await texts(spool), warnings]).toEqual([['one'], ['SPOOL_TORN']]);
  });

  it('tries again by itself what was refused for a while, and the rest on request', async () => {
    const spool = await open();
    await spool.keepAside([aRecord('full')], true);
    await spool.keepAside([aRecord('bad')], false);
    expect(spool.state.aside.jobs).toBe(2);
    expect([await spool.retry(false), spool.isBehind]).toEqual([1, false]);
    expect(await texts(spool)).toEqual(['full']);
    expect([await spool.retry(true), await texts(spool)]).toEqual([1, ['bad']]);
    expect([spool.state.aside.jobs, await folders()]).toEqual([0, []]);
  });

  it('tries again nothing that was put aside for another database, or in another layout', async () => {
    const [theirs, spool] = [await open({ database: 'b' }), await open()];
    await theirs.keepAside([aRecord('theirs')], true);
    const later = framed({ jobs: 0, body: Buffer.from('{"format":2,"database":"a"}') });
    await writeFile(join(folder, 'aside', '1-later.again'), later);
    expect([await spool.retry(true), spool.isEmpty]).toEqual([0, true]);
    expect((await readdir(join(folder, 'aside'))).length).toBe(2);
  });

  it('is left whole where one of its files belongs to another database', async () => {
    const dead = await open();
    await dead.append(aRecord('a'));
    const [name] = await folders();
    const other = framed({ jobs: 0, body: Buffer.from('{"format":1,"database":"b"}') });
    await writeFile(join(folder, name!, '000000000002.spool'), other);
    await die();
    const spool = await open();
    await spool.upkeep();
    expect([spool.isEmpty, spool.state.refused, await folders()]).toEqual([true, 1, [name]]);
    // Somebody has moved it to where it belongs.
    await rename(join(folder, name!), `${folder}-elsewhere`);
    await spool.upkeep();
    expect(spool.state.refused).toBe(0);
    await rm(`${folder}-elsewhere`, { recursive: true });
  });

  it('fails to open where nothing can be written', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expect(open({ folder: join(file, 'spool') })).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  it('acknowledges nothing on a full disk, cuts what was begun, and loses nothing', async () => {
    const disk = join(folder, 'small');
    if (!(await isSmallDisk(disk))) return;
    try {
      const spool = await open({ folder: disk });
      const kept: string[] = [];
      for (let n = 0; n < 30; n++)
        await spool.append(aRecord(`${n} ${'x'.repeat(5_000)}`)).then(
          () => kept.push(String(n)),
          (error: unknown) => expect(error).toMatchObject({ code: 'ENOSPC' }),
        );
      expect(kept.length).toBeGreaterThan(5);
      expect(kept.length).toBeLessThan(30);
      expect((await texts(spool)).map((text) => text.split(' ')[0])).toEqual(kept);
      expect(warnings).toEqual([]);
      await spool.append(aRecord('room again'));
      expect(await texts(spool)).toEqual(['room again']);
    } finally {
      execFileSync('umount', [disk]);
    }
  });

  it('says that it has lost a folder that somebody moved away', async () => {
    const spool = await open();
    await spool.append(aRecord('a'));
    await rename(join(folder, (await folders())[0]!), join(folder, 'elsewhere'));
    await spool.upkeep();
    expect(spool.isEmpty).toBe(true);
  });
});
