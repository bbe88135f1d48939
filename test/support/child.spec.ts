import { spawn } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { Child, firstWords } from './child.js';

/** Whoever waits for its words learns of it, long before the test's time is over. */
describe('a child process that dies', () => {
  it('fails what waits for something that it says, with its errors', async () => {
    const child = new Child(new URL('no-such-file.ts', import.meta.url), {});
    await expect(child.ready()).rejects.toThrow(/exit 1.*Cannot find module/s);
    expect(child.hasExited).toBe(true);
  });

  it('fails what waits for its first words', async () => {
    const child = spawn(process.execPath, ['-e', `console.error('oh no'); process.exit(3)`]);
    await expect(firstWords(child)).rejects.toThrow(/exit 3.*oh no/s);
  });
});
