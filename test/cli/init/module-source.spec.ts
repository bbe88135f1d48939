import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { withModules } from '../../../lib/cli/init/module-source.js';

const HEAD = `import { Module } from '@nestjs/common';`;
const sourceOf = (metadata: string): string =>
  `${HEAD}\n\n@Module(${metadata})\nexport class AppModule {}\n`;
const changed = (source: string): string | undefined =>
  withModules(ts, source, { names: [['Queue', 'queue']], elements: ['Queue.forRoot()', 'Mail'] });
const metadataIn = (source = ''): string | undefined =>
  /@Module\(([\s\S]*)\)\nexport/.exec(source)?.[1];

describe('adding to the imports of a module', () => {
  it.each<[string, string, string]>([
    ['no metadata', '{}', '{ imports: [Queue.forRoot(), Mail] }'],
    ['no imports', '{ providers: [A] }', '{ imports: [Queue.forRoot(), Mail], providers: [A] }'],
    [
      'no imports, on lines',
      '{\n  providers: [A],\n}',
      '{\n  imports: [Queue.forRoot(), Mail],\n  providers: [A],\n}',
    ],
    ['none yet', '{ imports: [] }', '{ imports: [Queue.forRoot(), Mail] }'],
    [
      'one line',
      '{ imports: [A, B.forRoot(),] }',
      '{ imports: [A, B.forRoot(), Queue.forRoot(), Mail] }',
    ],
    [
      'a line that gets too long',
      `{\n  imports: [${'A'.repeat(30)}, ${'B'.repeat(20)}],\n}`,
      `{\n  imports: [\n    ${'A'.repeat(30)},\n    ${'B'.repeat(20)},\n    Queue.forRoot(),\n    Mail,\n  ],\n}`,
    ],
    ['a quoted name', `{ 'imports': [A] }`, `{ 'imports': [A, Queue.forRoot(), Mail] }`],
    [
      'lines',
      '{\n  imports: [\n    A,\n  ],\n}',
      '{\n  imports: [\n    A,\n    Queue.forRoot(),\n    Mail,\n  ],\n}',
    ],
    [
      'no comma at the end',
      '{\n\timports: [\n\t\tA\n\t]\n}',
      '{\n\timports: [\n\t\tA,\n\t\tQueue.forRoot(),\n\t\tMail\n\t]\n}',
    ],
    [
      'a comment at the end',
      '{\n  imports: [\n    A, // first\n    B // last]\n  ],\n}',
      '{\n  imports: [\n    A, // first\n    B, // last]\n    Queue.forRoot(),\n    Mail\n  ],\n}',
    ],
    [
      'brackets in texts and comments',
      `{\n  imports: [\n    A.forRoot({ text: ']', /* ] */ nested: [1] }),\n    ...more,\n  ],\n}`,
      `{\n  imports: [\n    A.forRoot({ text: ']', /* ] */ nested: [1] }),\n    ...more,\n    Queue.forRoot(),\n    Mail,\n  ],\n}`,
    ],
  ])('%s', (_, before, after) => {
    expect(metadataIn(changed(sourceOf(before)))).toBe(after);
  });

  it.each([
    ['a variable', sourceOf('metadata')],
    ['imports from elsewhere', sourceOf('{ imports: modules }')],
    ['imports by shorthand', sourceOf('{ imports }')],
    ['metadata from elsewhere', sourceOf('{ ...metadata }')],
    ['a computed name', sourceOf('{ [name]: [] }')],
    ['no module', `${HEAD}\nexport class AppModule {}`],
    ['two modules', sourceOf('{}') + sourceOf('{}').replace(HEAD, '')],
    ['a comment between the braces', sourceOf('{ /* later */ }')],
    ['a comment in a line, which might get lost', sourceOf('{ imports: [A /* first */, B] }')],
    ['a comment at the end of a line', sourceOf('{ imports: [A /* last */] }')],
    ['only a comment in a line', sourceOf('{ imports: [/* later */] }')],
    ['only a comment between the brackets', sourceOf('{ imports: [\n // later\n] }')],
    ['wrong syntax', sourceOf('{ imports: [ }')],
  ])('leaves alone what it does not understand: %s', (_, source) => {
    expect(changed(source)).toBeUndefined();
  });

  it('writes imports as the others are written', () => {
    const source = `import { Module } from "@nestjs/common"\r\n\r\n@Module({})\r\nexport class AppModule {}\r\n`;
    expect(changed(source)).toBe(
      `import { Module } from "@nestjs/common"\r\nimport { Queue } from "queue"\r\n\r\n@Module({ imports: [Queue.forRoot(), Mail] })\r\nexport class AppModule {}\r\n`,
    );
  });
});
