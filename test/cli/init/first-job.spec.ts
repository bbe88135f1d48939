import { expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { firstJob } from '../../../lib/cli/init/first-job.js';

it.each(Object.entries(firstJob('.js', `import { expect, it } from '@jest/globals';\n`)))(
  'is what the examples run and the guide shows: %s',
  (name, text) => expect(text).toBe(readFileSync(`test/examples/greetings/${name}`, 'utf8')),
);
