import { cpus, release, totalmem } from 'node:os';
import { readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { nodeBinary } from '../lab/build.js';

/** What the figures were measured on: enough to compare, nothing that names a place. */
export function machineOf(lab) {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    linux: release().split('-')[0],
    node: Object.fromEntries([20, 24].map((major) => [major, versionOf(nodeBinary(major))])),
    postgres: lab.postgres.version,
    redis: lab.redisVersion ?? null,
    statementsCounted: lab.postgres.counts,
    packages: Object.fromEntries(
      ['pg', 'graphile-worker', 'pg-boss', '@dbos-inc/dbos-sdk', 'bullmq'].map((name) => [
        name,
        packageVersion(name),
      ]),
    ),
  };
}

function versionOf(binary) {
  return binary ? spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout.trim() : null;
}

function packageVersion(name) {
  return JSON.parse(
    readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8'),
  ).version;
}
