import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';

const readme = readFileSync(fileURLToPath(new URL('../pages/index.md', import.meta.url)), 'utf8');

/** Links of a text to pages, in its order. */
const linksIn = (text) =>
  [...text.matchAll(/\[([^\]]+)\]\(([^)\s]+\.md)\)/g)].map(([, title, path]) => ({
    text: title.charAt(0).toUpperCase() + title.slice(1),
    link: `/${path.replace(/(index)?\.md$/, '')}`,
  }));

const [, first] = /## Read these five first\n([\s\S]*?)\n\|/.exec(readme);
const groups = [...readme.matchAll(/^\| \*\*(.+?)\*\* \| (.+) \|$/gm)].map(([, title, row]) => ({
  text: title.charAt(0).toUpperCase() + title.slice(1),
  items: linksIn(row),
}));

export default defineConfig({
  title: 'nestjs-simple-queue',
  description: 'A job queue for NestJS on the PostgreSQL that your application already has',
  srcDir: 'pages',
  outDir: 'dist',
  cleanUrls: true,
  lastUpdated: false,
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    sidebar: [{ text: 'Read first', items: linksIn(first) }, ...groups],
  },
});
