import { basename, extname } from 'node:path';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Names that say nothing about what is inside, so that anything may end up there. */
const BANNED_NAMES = [
  'utils',
  'util',
  'helpers',
  'helper',
  'common',
  'misc',
  'types',
  'interfaces',
  'constants',
  'manager',
  'base',
];

const telling = {
  rules: {
    'file-name': {
      create: (context) => ({
        Program(node) {
          const name = basename(context.filename, extname(context.filename));
          const banned = name.split(/[.-]/).find((word) => BANNED_NAMES.includes(word));
          if (banned)
            context.report({
              node,
              message: `A file called "${banned}" attracts anything: name it after what it holds.`,
            });
        },
      }),
    },
  },
};

const NO_SLEEP =
  'Tests do not sleep: call the round, or wait on a condition with eventually() of test/support.';

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', 'bench/']),
  tseslint.configs.recommendedTypeChecked,
  {
    plugins: { telling },
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'prefer-const': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      // `async` also turns what is thrown into a rejection, which is what an interface of promises is owed.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
    },
  },
  { files: ['**/*.{js,mjs,cjs}'], extends: [tseslint.configs.disableTypeChecked] },
  // How the interfaces of other packages are extended.
  {
    files: ['**/*.d.ts'],
    rules: {
      '@typescript-eslint/no-empty-object-type': [
        'error',
        { allowInterfaces: 'with-single-extends' },
      ],
    },
  },
  { files: ['**/*.cjs'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
  {
    files: ['lib/**/*.ts', 'migrations/**/*.ts', 'sample/**/*.ts'],
    ignores: ['**/*.spec.ts'],
    rules: {
      'telling/file-name': 'error',
      'max-lines': ['error', 300],
      'max-lines-per-function': ['error', 30],
      'max-params': ['error', 4],
      'max-depth': ['error', 3],
      complexity: ['error', 10],
    },
  },
  { files: ['lib/**/*.ts', 'migrations/**/*.ts'], rules: { 'no-console': 'error' } },
  {
    files: ['lib/**/*.ts', 'migrations/**/*.ts'],
    ignores: ['lib/cli/**', 'lib/runtime/here.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'MetaProperty[meta.name="import"]',
          message:
            'Where ts-jest translates the package to CommonJS, this file would not load: ask runtime/here.ts.',
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts', 'sample/**/*.spec.ts'],
    rules: {
      // expect.anything() and its kin are any by design.
      '@typescript-eslint/no-unsafe-assignment': 'off',
    },
  },
  {
    files: ['test/**/*.ts', 'sample/**/*.spec.ts'],
    ignores: ['test/support/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['setTimeout', 'setInterval'].map((name) => ({ name, message: NO_SLEEP })),
      ],
      'no-restricted-imports': [
        'error',
        ...['timers/promises', 'node:timers/promises'].map((name) => ({ name, message: NO_SLEEP })),
      ],
    },
  },
);
