import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { isReadOnly, isSmallDisk, isWritable, unmount } from '../support/spool.js';
import { SpoolRig } from '../support/spool-rig.js';

const nextTurn = () => new Promise<void>((resolve) => void setImmediate(resolve));

/** Enqueues with a database that comes and goes, and a disk that is bad: what is stored, and what calls find afterwards. */
describe('a spool whose disk is bad', () => {
  const rig = new SpoolRig();
  const segment = () => rig.spool.oldest().then((each) => each!.path);
  it('deleted: enqueues go to the database as before, and to a new folder where that is away', async () => {
    const folder = await rig.start('deleted');
    await rm(folder, { recursive: true });
    expect(await rig.enqueue('a')).toBe('created');
    await rig.spooled('b');
    await rm(folder, { recursive: true });
    await rig.spooled('c');
    await rig.proxy.pass();
    await rig.isDirect();
    expect(await rig.stored()).toEqual(['a', 'c']);
    expect(rig.seen).toEqual(['SPOOL_GONE']);
  });

  it('a file now: a call without a database says so, and with one it needs no disk', async () => {
    const folder = await rig.start('file');
    await rig.spooled('lost');
    await rm(folder, { recursive: true });
    await writeFile(folder, '');
    await expect(rig.enqueue('x')).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
      message: expect.stringMatching(/EEXIST|ENOTDIR/) as unknown,
    });
    await rig.proxy.pass();
    await rig.isDirect();
    expect(await rig.stored()).toEqual([]);
    expect(rig.seen).toEqual(['SPOOL_GONE', 'SPOOL_FULL']);
  });

  it('read only now, with jobs on it: they are stored, calls need no disk, and the files go when they can', async () => {
    const folder = join(rig.root, 'disk');
    if (!(await isSmallDisk(folder))) return void (await rig.start('other'));
    await rig.start('disk');
    await rig.spooled('a', 'b');
    const path = await segment();
    isReadOnly(folder);
    await expect(rig.enqueue('x')).rejects.toMatchObject({
      message: expect.stringContaining('EROFS') as unknown,
    });
    await rig.proxy.pass();
    await rig.isDirect();
    expect(await rig.stored()).toEqual(['a', 'b']);
    expect((await stat(path)).size).toBeGreaterThan(0);
    expect(rig.spool.state.jobs).toBe(0);
    isWritable(folder);
    await eventually(() => rig.spool.isEmpty);
    await rig.storage.onApplicationShutdown();
    unmount(folder);
    expect(rig.seen).toContain('replay');
  });

  it('read only when its process ends: that closes all it has', async () => {
    const folder = join(rig.root, 'ending');
    if (!(await isSmallDisk(folder))) return void (await rig.start('other ending'));
    await rig.start('ending');
    await rig.spooled('a');
    isReadOnly(folder);
    await rig.storage.onApplicationShutdown();
    unmount(folder);
  });

  it('unreadable in one place: the rest is stored, and no call waits for it', async () => {
    await rig.start('unreadable');
    await rig.spooled('lost');
    const path = await segment();
    await rm(path);
    await mkdir(join(path, 'in it'), { recursive: true });
    await rig.spooled('a');
    await rig.proxy.pass();
    await rig.isDirect();
    expect(await rig.stored()).toEqual(['a']);
    expect(rig.seen).toContain('replay');
    await rm(path, { recursive: true });
  });

  it('without room for what the database refuses: that stays in its segment, and no call waits for it', async () => {
    const folder = await rig.start('aside');
    await rig.spooled('a', 'bad', 'b');
    await writeFile(join(folder, 'aside'), '');
    await rig.refusing(async () => {
      await rig.proxy.pass();
      await rig.isDirect();
      expect(await rig.stored()).toEqual(['a', 'b']);
      await rm(join(folder, 'aside'));
      await eventually(() => rig.spool.isEmpty);
    });
    expect(rig.spool.state.aside.jobs).toBe(1);
    expect(rig.seen.filter((each) => each !== 'replay')).toEqual(['SPOOL_ASIDE']);
  });

  it('returns to the database under calls that write faster than theirs can be stored', async () => {
    await rig.start('busy', 8 * 1024 * 1024);
    const alone = { uniqueKey: 'k', onConflict: 'replace' } as const;
    await rig.enqueue('known', alone);
    rig.proxy.stop();
    const text = 'x'.repeat(500_000);
    const produce = async () => {
      for (let direct = 0; direct < 2;)
        direct = (await rig.enqueue(text, alone).catch(nextTurn)) === 'replaced' ? direct + 1 : 0;
    };
    const producers = Promise.all([produce(), produce(), produce()]);
    await eventually(() => rig.spool.ownBytes > 6 * 1024 * 1024);
    await rig.proxy.pass();
    rig.proxy.delay(1);
    await producers;
    expect(rig.spool.isBehind).toBe(false);
  });
});
