// Makes the commit and the tag of a release; the workflow "Release" publishes what is tagged.
//   npm run release -- minor             also patch, major, or a version such as 1.0.0-rc.1
//   npm run release -- --check v0.1.0    does this tag name what package.json and the changelog say?
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const UNRELEASED = '## [Unreleased]\n';

main(process.argv.slice(2));

function main([what, tag]) {
  if (what === '--check') return check(tag);
  if (!what) throw new Error('Which version? npm run release -- patch | minor | major | x.y.z');
  if (run('git', 'status', '--porcelain')) throw new Error('Commit first: the tree has changes.');
  const changelog = readFileSync('CHANGELOG.md', 'utf8');
  entriesOf(changelog);
  run('npm', 'version', what, '--no-git-tag-version', '--allow-same-version');
  const { version } = readPackage();
  const today = new Date().toISOString().slice(0, 10);
  writeFileSync('CHANGELOG.md', released(changelog, version, today));
  run('git', 'commit', '--quiet', '--all', '--message', `Release ${version}`);
  run('git', 'tag', '--annotate', `v${version}`, '--message', `v${version}`);
  console.log(`v${version} is tagged. To publish it: git push --follow-tags`);
}

function check(tag) {
  const { version } = readPackage();
  if (tag !== `v${version}`) throw new Error(`The tag is ${tag}, and package.json has ${version}.`);
  if (!readFileSync('CHANGELOG.md', 'utf8').includes(`\n## [${version}] - `))
    throw new Error(`CHANGELOG.md has no section for ${version}. Use npm run release.`);
}

/** The changelog with everything that was unreleased in a section of this version. */
function released(changelog, version, date) {
  const entries = entriesOf(changelog);
  const [head] = changelog.split(UNRELEASED);
  const rest = changelog.slice(head.length + UNRELEASED.length + entries.length);
  const told = entries.replace(/^To be released as .*\n+/m, '');
  return `${head}${UNRELEASED}\n## [${version}] - ${date}\n${told}${rest}`;
}

function entriesOf(changelog) {
  const entries = changelog.split(UNRELEASED)[1]?.split(/^## /m)[0];
  if (!entries?.includes('\n- ')) throw new Error('CHANGELOG.md has nothing under [Unreleased].');
  return entries;
}

function readPackage() {
  return JSON.parse(readFileSync('package.json', 'utf8'));
}

function run(command, ...args) {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
