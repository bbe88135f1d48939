import { describe, expect, it } from '@jest/globals';
import { overlap } from '../../lib/runtime/overlap.js';

describe('overlap', () => {
  it('makes the next part while the last one is being worked on, one at a time', async () => {
    const seen: string[] = [];
    function* parts(): Generator<number> {
      for (const part of [1, 2, 3]) {
        seen.push(`make ${part}`);
        yield part;
      }
    }
    await overlap(parts(), async (part) => {
      seen.push(`start ${part}`);
      await new Promise(setImmediate);
      seen.push(`end ${part}`);
    });
    expect(seen.indexOf('make 2')).toBeLessThan(seen.indexOf('end 1'));
    expect(seen.filter((event) => !event.startsWith('make'))).toEqual([
      ...['start 1', 'end 1', 'start 2', 'end 2'],
      ...['start 3', 'end 3'],
    ]);
  });

  it('ends with the failure of a work, and works on nothing after it', async () => {
    const worked: number[] = [];
    const all = overlap([1, 2, 3], async (part) => {
      worked.push(part);
      if (part === 2) throw new Error('no');
    });
    await expect(all).rejects.toThrow('no');
    expect(worked).toEqual([1, 2]);
  });

  it('leaves nothing under way when a part cannot be made', async () => {
    let isUnderWay = false;
    async function* parts(): AsyncGenerator<number> {
      yield 1;
      throw new Error('bad item');
    }
    const all = overlap(parts(), async () => {
      isUnderWay = true;
      await new Promise(setImmediate);
      isUnderWay = false;
    });
    await expect(all).rejects.toThrow('bad item');
    expect(isUnderWay).toBe(false);
  });

  it('is done at once with no parts', async () => {
    await overlap([], () => Promise.reject(new Error('never')));
  });
});
