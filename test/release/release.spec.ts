import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CHANGELOG = `# Changelog

## [Unreleased]

To be released as 0.1.0.

### Added

- Jobs.

## [0.0.1] - 2026-01-01

- Nothing.
`;

describe('npm run release', () => {
  let cwd: string;
  const env = {
    ...process.env,
    ...{ GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.com' },
    npm_config_update_notifier: 'false',
    ...{ GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.com' },
  };
  const run = (command: string, ...args: string[]): string =>
    execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: 'pipe' }).trim();
  const release = (...args: string[]): string =>
    run(process.execPath, 'scripts/release.mjs', ...args);
  const changelog = (): string => readFileSync(join(cwd, 'CHANGELOG.md'), 'utf8');

  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'sq-release-'));
    mkdirSync(join(cwd, 'scripts'));
    copyFileSync('scripts/release.mjs', join(cwd, 'scripts/release.mjs'));
    writeFileSync(join(cwd, 'CHANGELOG.md'), CHANGELOG);
    writeFileSync(join(cwd, 'package.json'), '{ "name": "a", "version": "0.1.0" }');
    run('git', 'init', '--quiet');
    run('git', 'add', '.');
    run('git', 'commit', '--quiet', '--message', 'All');
  });
  afterEach(() => rmSync(cwd, { recursive: true }));

  it('gives what was unreleased a version and a date, in a commit with a tag', () => {
    expect(release('0.1.0')).toContain('v0.1.0 is tagged');
    expect(changelog()).toMatch(
      /\n## \[Unreleased\]\n\n## \[0\.1\.0\] - \d{4}-\d\d-\d\d\n\n### Added\n\n- Jobs\.\n\n## \[0\.0\.1\] - 2026-01-01\n/,
    );
    expect(run('git', 'status', '--porcelain')).toBe('');
    expect(run('git', 'describe')).toBe('v0.1.0');
    expect(release('--check', 'v0.1.0')).toBe('');
  });

  it('counts on from the version before', () => {
    release('minor');
    expect(changelog()).toContain('## [0.2.0] - ');
    expect(run('git', 'describe')).toBe('v0.2.0');
  });

  it('refuses what would publish something else', () => {
    expect(() => release('--check', 'v0.1.0')).toThrow(/no section for 0\.1\.0/);
    expect(() => release('--check', 'v0.2.0')).toThrow(/package\.json has 0\.1\.0/);
    expect(() => release()).toThrow(/Which version/);
    release('0.1.0');
    expect(() => release('minor')).toThrow(/nothing under \[Unreleased\]/);
    writeFileSync(join(cwd, 'more'), '');
    expect(() => release('minor')).toThrow(/Commit first/);
  });

  it('publishes package.json as it is: npm has nothing to correct in it', () => {
    copyFileSync('package.json', join(cwd, 'package.json'));
    run('npm', 'pkg', 'fix');
    expect(readFileSync(join(cwd, 'package.json'), 'utf8')).toBe(
      readFileSync('package.json', 'utf8'),
    );
  });
});
