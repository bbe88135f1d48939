import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { readProject } from '../../../lib/cli/init/project.js';
import { writeChanges } from '../../../lib/cli/init/write-changes.js';
import { cli } from '../../support/cli.js';
import { anApplication } from './nest-applications.js';

describe('simple-queue init', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'sq-init-'));
    for (const [path, text] of anApplication('Nest 11')) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    mkdirSync(join(root, 'node_modules'));
    symlinkSync(resolve('node_modules/typescript'), join(root, 'node_modules/typescript'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('shows what it would do, and does nothing', async () => {
    const before = readProject(root);
    const { code, out, err } = await cli(['init', root]);
    expect(code).toBe(0);
    expect(out).toContain('create src/greetings/greetings.handler.ts');
    expect(out).toContain(
      '      }),\n  +     SimpleQueueModule.forRoot(),\n  +     GreetingsModule,\n      ],',
    );
    expect(err).toBe('Nothing is written yet. --yes writes it.\n');
    expect(readProject(root)).toEqual(before);
  });

  it('does it when told so, and once', async () => {
    const { code, json } = await cli(['init', root, '--yes', '--json']);
    const { changes } = json as { changes: { path: string; after: string }[] };
    expect({ code, files: changes.length }).toEqual({ code: 0, files: 8 });
    const written = readProject(root);
    for (const { path, after } of changes) expect(written.get(path)).toBe(after);
    const again = await cli(['init', root, '--yes']);
    expect(again).toMatchObject({
      code: 0,
      out: 'Nothing to do: src/app.module.ts imports SimpleQueueModule already.\n',
    });
    expect(readProject(root)).toEqual(written);
  });

  describe('writes nothing outside of the folder', () => {
    let elsewhere: string;
    beforeEach(() => void (elsewhere = mkdtempSync(join(tmpdir(), 'sq-elsewhere-'))));
    afterEach(() => {
      expect(readdirSync(elsewhere)).toEqual([]);
      rmSync(elsewhere, { recursive: true });
    });

    it.each(['../outside', 'src/../../outside', '/outside'])(
      'that sourceRoot names: %s',
      async (sourceRoot) => {
        writeFileSync(join(root, 'nest-cli.json'), JSON.stringify({ sourceRoot }));
        const before = readProject(root);
        const { code, err } = await cli(['init', root, '--module', 'src/app.module.ts', '--yes']);
        expect({ code, err }).toEqual({
          code: 2,
          err: expect.stringContaining('outside of the folder'),
        });
        expect(readProject(root)).toEqual(before);
      },
    );

    it('that a link leads to: a folder of sources, the one of the first job, a file of settings', async () => {
      const before = readProject(root);
      symlinkSync(elsewhere, join(root, 'src/greetings'));
      expect(await cli(['init', root, '--yes'])).toMatchObject({
        code: 2,
        err: expect.stringContaining('outside of the folder'),
      });
      expect(readProject(root)).toEqual(before);
      symlinkSync(join(elsewhere, 'missing'), join(root, 'dangling.ts'));
      expect(() => writeChanges(root, [{ path: 'dangling.ts', after: '' }])).toThrow(
        'cannot be written (EEXIST)',
      );
      expect(() => writeChanges(root, [{ path: 'src/greetings/deep/one.ts', after: '' }])).toThrow(
        'outside of the folder',
      );
      const settings = `${elsewhere}.json`;
      writeFileSync(settings, '{}');
      symlinkSync(settings, join(root, 'settings.json'));
      expect(() =>
        writeChanges(root, [{ path: 'settings.json', before: '{}', after: 'x' }]),
      ).toThrow('outside of the folder');
      rmSync(settings);
    });

    it('and follows a link within it', () => {
      mkdirSync(join(root, 'src/real'));
      symlinkSync(join(root, 'src/real'), join(root, 'src/linked'));
      writeChanges(root, [{ path: 'src/linked/one.ts', after: 'one' }]);
      expect(readFileSync(join(root, 'src/real/one.ts'), 'utf8')).toBe('one');
    });
  });

  it('says what to paste', async () => {
    writeFileSync(join(root, 'src/main.ts'), 'void start();\n');
    const { code, out } = await cli(['init', root]);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^By hand\. Let running jobs finish .*:\n\n {2}app\.enableShutdownHooks\(\);\n$/m,
    );
  });

  it.each<[string, string[], string]>([
    ['nothing there', ['nowhere'], 'There is no package.json here'],
    ['a file for a folder', ['src/main.ts'], 'cannot be read (ENOTDIR)'],
    ['no such module', ['.', '--module', '../../etc/passwd'], 'There is no "../../etc/passwd"'],
    ['an unknown flag', ['.', '--force'], 'unknown option'],
  ])('refuses: %s', async (_, [folder, ...flags], message) => {
    const { code, err } = await cli(['init', join(root, folder!), ...flags]);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });

  it('overwrites nothing that came between reading and writing', () => {
    const path = 'src/main.ts';
    const before = readFileSync(join(root, path), 'utf8');
    expect(() => writeChanges(root, [{ path, after: '' }])).toThrow(
      `${path} cannot be written (EEXIST)`,
    );
    expect(() => writeChanges(root, [{ path, before: 'older', after: '' }])).toThrow(
      `${path} has changed in the meantime`,
    );
    expect(readFileSync(join(root, path), 'utf8')).toBe(before);
  });
});
