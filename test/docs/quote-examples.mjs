// Writes the examples of test/examples into the documents that quote them:
//   node --import ./test/support/typescript.mjs test/docs/quote-examples.mjs
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DOCUMENTS, read, REPOSITORY } from './documents.ts';
import { withExamples } from './quotes.ts';

for (const path of DOCUMENTS) {
  const text = read(path);
  const quoted = withExamples(text);
  if (quoted === text) continue;
  writeFileSync(join(REPOSITORY, path), quoted);
  console.log(path);
}
