import { PROGRAM } from '../runtime/words.js';

/** The end of a command's help: one example per line, without the program; `<id>` is some UUID. */
export const examples = (lines: string): string =>
  `\nExamples:\n${lines.replaceAll(/^/gm, `  ${PROGRAM} `).replaceAll('<id>', '0190f3c2-7b5e-7c1a-9d57-3f2f6f1c2a10')}`;
