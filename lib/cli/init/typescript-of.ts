import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { TypeScript } from './source-edits.js';

/** The compiler that the application is built with; undefined where there is none, or one without an API, as TypeScript 7 is. */
export function typescriptOf(root: string): TypeScript | undefined {
  try {
    const found = createRequire(join(root, 'package.json'))('typescript') as Partial<TypeScript>;
    return found.transpileModule && found.createSourceFile ? (found as TypeScript) : undefined;
  } catch {
    return undefined;
  }
}
