import { describe, expect, it } from '@jest/globals';
import { Line } from '../../lib/runtime/line.js';

const MIB = 1_024 * 1_024;
const quick = (): Line => {
  const line = new Line();
  line.took(2 * MIB, 10);
  return line;
};

describe('a line', () => {
  it('that is not known lets claims bring 128 KiB, of as many jobs as they like', () => {
    const line = new Line();
    line.claimed(2, MIB, 1);
    expect([line.brings, line.most]).toEqual([MIB / 8, Infinity]);
  });

  it('that is quick lets them bring what comes within 50 ms, of so many jobs that twice the usual weight has room', () => {
    const line = quick();
    expect([line.brings, line.most]).toEqual([10 * MIB, Infinity]);
    for (let n = 0; n < 50; n++) line.claimed(100, 100 * (MIB / 32), 20);
    expect(line.most).toBe(160);
    for (let n = 0; n < 50; n++) line.claimed(2, 20 * MIB, 20);
    expect(line.most).toBe(16);
  });

  it('that is quick stays so when a small answer takes a moment', () => {
    const line = quick();
    line.took(MIB / 32, 5);
    expect(line.isQuick).toBe(true);
    expect(line.brings).toBeGreaterThan(9 * MIB);
  });

  it.each<[string, (line: Line) => void]>([
    ['an answer is lost', (line) => line.lost()],
    ['a claim takes a second', (line) => line.claimed(1, MIB, 1_001)],
    ['a fetch is slow', (line) => line.took(MIB, 100)],
  ])('is not quick any more when %s', (_, happens) => {
    const line = quick();
    happens(line);
    expect([line.isQuick, line.brings]).toEqual([false, MIB / 8]);
  });
});
