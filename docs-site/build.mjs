// npm run docs [-- --serve]: a searchable site from README and docs, in docs-site/dist. Every link to a page is checked.
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const site = dirname(fileURLToPath(import.meta.url));
const repository = join(site, '..');
const pages = join(site, 'pages');

install();
copyPages();
vitepress('build');
if (process.argv.includes('--serve')) vitepress('preview');

/** Installs the generator, if the lock file has changed since. */
function install() {
  const installed = join(site, 'node_modules', '.package-lock.json');
  const lock = join(site, 'package-lock.json');
  if (fs.existsSync(installed) && fs.statSync(installed).mtimeMs >= fs.statSync(lock).mtimeMs)
    return;
  execFileSync('npm', ['ci', '--loglevel=error'], { cwd: site, stdio: 'inherit' });
}

/** The pages as they are in the repository, so that their links fit; a README is the index of its folder. */
function copyPages() {
  fs.rmSync(pages, { recursive: true, force: true });
  const roots = fs.readdirSync(repository).filter((file) => file.endsWith('.md'));
  const below = ['docs', 'sample', 'test/docs'].flatMap((folder) =>
    fs.readdirSync(join(repository, folder), { recursive: true }).map((file) => join(folder, file)),
  );
  for (const file of [...roots, ...below]) copy(file);
}

function copy(file) {
  const to = join(pages, file.replace(/README\.md$/, 'index.md'));
  if (file.endsWith('.svg')) fs.cpSync(join(repository, file), to);
  if (!file.endsWith('.md')) return;
  fs.mkdirSync(dirname(to), { recursive: true });
  const text = fs.readFileSync(join(repository, file), 'utf8');
  fs.writeFileSync(to, text.replaceAll(/(!?)\[([^\]]*)\]\(([^)\s]+)\)/g, linked));
}

/** Sources are in the repository, not on the site: of a link to one the text remains. */
function linked(link, image, text, target) {
  const isPage = image !== '' || /^(https?:|#)/.test(target) || /\.md(#.*)?$/.test(target);
  return isPage ? link.replace('README.md', 'index.md') : text;
}

function vitepress(command) {
  const bin = join(site, 'node_modules', 'vitepress', 'bin', 'vitepress.js');
  execFileSync(process.execPath, [bin, command, '.'], { cwd: site, stdio: 'inherit' });
}
