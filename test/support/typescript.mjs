// Lets a script load TypeScript (a test's processes run what `compiled.mjs` has compiled): node --import ./test/support/typescript.mjs some/file.ts
import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);
