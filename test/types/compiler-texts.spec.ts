import { beforeAll, expect, it } from '@jest/globals';
import { compilerTexts } from '../support/compiler.js';
import { patient } from '../support/patience.mjs';

const CASES = [
  "@QueueHandler('mail', { concurency: 5 }) class A { process() {} } void A;",
  "@QueueHandler('mail', { batch: { size: 5 }, concurency: 5 }) class A { process() {} } void A;",
  '@QueueHandler(mail, { concurency: 5 }) class A { process() {} } void A;',
  "@QueueHandler(() => 'mail', { concurency: 5 }) class A { process() {} } void A;",
  "@QueueHandler('mail') class A { @HandleJob('welcome', { concurency: 5 }) run() {} } void A;",
];

const sourceOf = (lines: string): string =>
  `import { QueueHandler, HandleJob, defineJob } from 'nestjs-simple-queue';\nconst mail = defineJob({ queue: 'mail' });\n${lines}\nvoid mail; void HandleJob; void QueueHandler;`;

let texts: Record<string, string>;

beforeAll(() => {
  texts = compilerTexts(Object.fromEntries(CASES.map((lines, n) => [n, sourceOf(lines)])));
}, patient(60_000));

it.each(CASES.map((lines, n) => [lines, n] as const))(
  'the error for a wrong option speaks of the option: %s',
  (_, n) => {
    const text = texts[n];
    expect(text).toContain("'concurency' does not exist in type");
    expect(text).toContain("Did you mean to write 'concurrency'?");
    expect(text).not.toMatch(/BatchClass|overload/i);
  },
  patient(60_000),
);
