// Lets a test start another process on a TypeScript file: node --import ./test/support/typescript.mjs some/file.ts
import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);
