import { withLineEndsOf } from './source-edits.js';

const IGNORED = '"transformIgnorePatterns": ["/node_modules/(?!.*nestjs-simple-queue/)"],';
const TRANSLATED =
  '"/nestjs-simple-queue/dist/.+\\\\.js$": ["ts-jest", { "tsconfig": { "allowJs": true, "module": "commonjs", "target": "es2022", "isolatedModules": true } }],';

/** For the hand. */
export const JEST_LINES = `${IGNORED}\n"transform": {\n  ${TRANSLATED}`;

/**
 * The JSON of a Jest configuration that lets ts-jest translate the package, as it does the application: Jest in CommonJS mode has a loader
 * of its own, which knows no `require` of an ES module before Node.js 24.9. Undefined where it is written in another way.
 */
export function withTranslation(json: string): string | undefined {
  const transforms = [...json.matchAll(/^([ \t]*)"transform": \{\r?\n([ \t]*)(?=".*"ts-jest"$)/gm)];
  const [transform] = transforms;
  if (!transform || transforms.length > 1 || json.includes('"transformIgnorePatterns"'))
    return undefined;
  const [head, outer, inner] = transform as unknown as [string, string, string];
  const lines = `${outer}${IGNORED}\n${head.replace('\r', '')}${TRANSLATED}\n${inner}`;
  return (
    json.slice(0, transform.index) +
    withLineEndsOf(json, lines) +
    json.slice(transform.index + head.length)
  );
}
