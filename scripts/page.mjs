// Builds the page of the dashboard: one script and one style sheet, which the bundle takes into the library as text.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import nodeResolve from '@rollup/plugin-node-resolve';
import { rollup } from 'rollup';
import { transform } from '@swc/core';
import { minify } from 'terser';

/** What a browser fetches before it shows anything, page and styles, as it travels. */
const MOST_KIB = 60;
/** The browsers that get it: those of the last three years. */
const TARGET = 'es2022';

const typescript = {
  name: 'typescript',
  resolveId: (id, from) =>
    from && id.startsWith('.') && from.includes('/dashboard/')
      ? sourceOf(new URL(id, `file://${from}`))
      : null,
  transform: async (code, id) =>
    /\.tsx?$/.test(id)
      ? transform(code, {
          filename: id,
          sourceMaps: true,
          jsc: {
            parser: { syntax: 'typescript', tsx: id.endsWith('x') },
            transform: { react: { runtime: 'automatic', importSource: 'preact' } },
            target: TARGET,
          },
        })
      : null,
  renderChunk: async (code) =>
    (
      await minify(code, {
        module: true,
        ecma: 2022,
        compress: { passes: 3, ecma: 2022, keep_fargs: false },
      })
    ).code,
};

/** `./x.js` stands for x.ts or x.tsx, as TypeScript has it. */
function sourceOf({ pathname }) {
  for (const ending of ['.ts', '.tsx']) {
    const path = pathname.replace(/\.js$/, ending);
    try {
      readFileSync(path);
      return path;
    } catch {
      // The other one, then.
    }
  }
  return null;
}

const bundle = await rollup({
  input: 'dashboard/page.tsx',
  plugins: [typescript, nodeResolve({ browser: true })],
  onwarn: ({ message }) => {
    throw new Error(message);
  },
});
const { output } = await bundle.generate({ format: 'esm' });
await bundle.close();
const files = {
  'page.js': output[0].code,
  'page.css': readFileSync('dashboard/page.css', 'utf8')
    .replaceAll(/\/\*.*?\*\//gs, '')
    .replaceAll(/\s*([{}:;,>])\s*/g, '$1')
    .replaceAll(/\s+/g, ' '),
};
mkdirSync('dist/page', { recursive: true });
for (const [name, text] of Object.entries(files)) {
  // Moved there, since tests that run side by side build it, and read it.
  const draft = `dist/page/${name}.${process.pid}`;
  writeFileSync(draft, text);
  renameSync(draft, `dist/page/${name}`);
}
const kib = Object.values(files).reduce((sum, text) => sum + gzipSync(text).length, 0) / 1_024;
console.log(`${kib.toFixed(1)} KiB of the page, zipped (budget ${MOST_KIB})`);
if (kib > MOST_KIB) throw new Error(`The page has ${kib} KiB zipped: ${MOST_KIB} is its budget.`);
