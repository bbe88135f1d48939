// Who may import whom: docs/architecture.md. Imports of types count as well, but for types of packages.

const FLOOR = '^lib/(job|runtime)/';
const OPTIONS = '^lib/options/';
const PATTERN = '^lib/schedules/calendar/pattern\\.ts$';
const PUBLISHED = '^(lib|migrations)/';

/** `room` may import of ours only itself and what is named. */
function only(name, comment, room, ...allowed) {
  return {
    name,
    comment,
    severity: 'error',
    from: { path: room },
    to: { path: PUBLISHED, pathNot: [room, ...allowed] },
  };
}

/** Nobody of ours but `from` may import `what`. */
function reserved(name, comment, what, ...from) {
  return {
    name,
    comment,
    severity: 'error',
    from: { path: PUBLISHED, pathNot: from },
    to: { path: what },
  };
}

module.exports = {
  forbidden: [
    {
      name: 'no-cycle',
      comment: 'Two files that need each other are one, or hide a third.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-type-cycle',
      comment: 'A noun that ties a circle stands with one of its users, and belongs to neither.',
      severity: 'error',
      from: { path: PUBLISHED },
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'What is imported exists.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },

    only('job-is-pure', 'Nouns know nothing of ours.', '^lib/job/'),
    only('runtime-is-pure', 'Machinery knows nothing of queues.', '^lib/runtime/'),
    only('spool-is-files', 'A spool knows files, and nothing of queues.', '^lib/spool/', FLOOR),
    {
      name: 'floor-without-packages',
      comment: 'The floor can be read, tested and moved without anything from npm.',
      severity: 'error',
      from: { path: FLOOR },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-peer', 'npm-optional'],
        dependencyTypesNot: ['type-only'],
      },
    },
    only(
      'storage-on-the-floor',
      'Storage knows nouns, options and events, and runs the migrations.',
      '^lib/storage/',
      FLOOR,
      OPTIONS,
      '^lib/(observability|spool)/',
      '^migrations/',
    ),
    only(
      'observability-on-the-floor',
      'Events are described in nouns.',
      '^lib/observability/',
      FLOOR,
    ),
    only(
      'options-are-read-first',
      'Options are read before anything is made.',
      OPTIONS,
      FLOOR,
      '^lib/observability/',
    ),
    ...['enqueue', 'waiting', 'maintenance', 'admin', 'pull', 'doctor', 'health', 'limits'].map(
      (room) =>
        only(
          `${room}-stands-alone`,
          'Rooms side by side do not know each other.',
          `^lib/${room}/`,
          FLOOR,
          OPTIONS,
          '^lib/(storage|observability)/',
          // What cannot be stored now waits on the disk.
          ...(['enqueue', 'health'].includes(room) ? ['^lib/spool/'] : []),
          // One list of what waits for a person, whoever looks.
          ...(['admin', 'doctor', 'health', 'maintenance'].includes(room)
            ? ['^lib/troubles/']
            : []),
          // A process without a worker settles as a worker does, and does its duties along with the claims of remote workers.
          ...(room === 'pull'
            ? ['^lib/(settle|maintenance|limits)/', '^lib/queue\\.service\\.ts$']
            : []),
          // One of the duties makes the ticks of schedules, one moves workflows on.
          ...(room === 'maintenance' ? ['^lib/(schedules|workflows)/'] : []),
          // It asks which handlers there are.
          ...(room === 'doctor' ? ['^lib/handlers/'] : []),
        ),
    ),
    only(
      'plain-knows-no-store',
      'What stores without the tables share: a life of a job by the same rules.',
      '^lib/plain/',
      FLOOR,
      OPTIONS,
      '^lib/(enqueue|pull|settle|storage|observability)/',
    ),
    only(
      'redis-stands-alone',
      'The contract on another store: its rules are those of the others.',
      '^lib/redis/',
      FLOOR,
      OPTIONS,
      '^lib/(enqueue|plain|pull|settle|storage)/',
    ),
    only(
      'schedules-enqueue',
      'A tick is an enqueue; who runs its job does not matter.',
      '^lib/schedules/',
      FLOOR,
      OPTIONS,
      '^lib/(enqueue|storage|observability)/',
    ),
    only(
      'workflows-enqueue',
      'A step that begins is an enqueue; who runs its job does not matter.',
      '^lib/workflows/',
      FLOOR,
      OPTIONS,
      '^lib/(enqueue|storage|observability)/',
    ),
    only(
      'troubles-are-told-to-many',
      'What waits for a person is counted by storage, and said once.',
      '^lib/troubles/',
      FLOOR,
      OPTIONS,
      '^lib/storage/',
    ),
    only(
      'queue-service-enqueues',
      'What applications inject enqueues, waits and asks.',
      '^lib/queue\\.service\\.ts$',
      FLOOR,
      OPTIONS,
      '^lib/(enqueue|waiting|storage|observability)/',
    ),
    // The spine: a job goes from claim to run to settle, and none of them knows who comes before.
    only(
      'handlers-are-called',
      'They know whom to call, not who calls.',
      '^lib/handlers/',
      FLOOR,
      OPTIONS,
      '^lib/observability/',
    ),
    only(
      'run-calls-handlers',
      'A run knows its handler and its job; where it came from, and how its end is stored, is told to it.',
      '^lib/run/',
      FLOOR,
      OPTIONS,
      '^lib/(handlers|storage|observability|enqueue)/',
      // What a context enqueues with.
      '^lib/queue\\.service\\.ts$',
    ),
    only(
      'settle-knows-runs',
      'What ends is a run; who claimed it does not matter.',
      '^lib/settle/',
      FLOOR,
      OPTIONS,
      '^lib/(run|storage|observability)/',
    ),
    only(
      'claim-hands-on',
      'What is claimed runs and settles.',
      '^lib/claim/',
      FLOOR,
      OPTIONS,
      '^lib/(run|settle|handlers|storage|observability|limits)/',
    ),
    only(
      'worker-below-the-module',
      'A worker knows no module.',
      '^lib/worker/',
      FLOOR,
      OPTIONS,
      '^lib/(claim|run|settle|handlers|maintenance|schedules|workflows|storage|observability|health|limits|troubles)/',
      // What its contexts enqueue with.
      '^lib/queue\\.service\\.ts$',
    ),
    {
      name: 'web-process-without-worker',
      comment: 'A process that only enqueues loads no worker code.',
      severity: 'error',
      from: { path: '^lib/queue\\.service\\.ts$' },
      to: { path: '^lib/(worker|claim|run|handlers)/', reachable: true },
    },
    reserved(
      'maintenance-is-for-who-turns-it',
      'Duties are turned by the loops of a worker, along with claims of remote workers, or by hand: in tests, and by `maintain`.',
      '^lib/maintenance/',
      '^lib/(maintenance|worker|pull|testing)/',
      '^lib/cli/commands/act/maintain\\.command\\.ts$',
    ),

    reserved(
      'sql-in-storage',
      'Only storage speaks SQL; what only tests may do to the tables stands apart, in a room that nobody imports.',
      '^(?!lib/testing/sql/).*\\.sql\\.ts$',
      '^lib/storage/',
      '^lib/testing/sql/',
      '^migrations/',
    ),
    {
      name: 'drivers-in-storage',
      comment: 'Others take tokens and types from storage/.',
      severity: 'error',
      from: { path: PUBLISHED, pathNot: ['^lib/storage/', '^migrations/'] },
      to: { path: 'node_modules/(typeorm|pg|@nestjs/typeorm)/', dependencyTypesNot: ['type-only'] },
    },
    reserved(
      'migrations-through-storage',
      'Storage alone runs them; the command line prints them.',
      '^migrations/',
      '^migrations/',
      '^lib/(storage|cli)/',
      '^lib/index\\.ts$',
    ),
    only(
      'migrations-on-storage',
      'A migration may use a statement, and nothing above.',
      '^migrations/',
      FLOOR,
      '^lib/storage/',
    ),

    reserved(
      'index-is-for-applications',
      'The only barrels are the public API.',
      '^lib/(index|admin|limits|pull|redis|schedules|workflows)\\.ts$',
    ),
    reserved(
      'module-is-outside',
      'Only applications import the module.',
      '^lib/module/(?!tokens\\.ts$)',
      '^lib/(index\\.ts$|module/|testing/)',
    ),
    reserved(
      'decorators-are-outside',
      'A leaf.',
      '^lib/decorators/',
      '^lib/decorators/',
      '^lib/(index|schedules)\\.ts$',
    ),
    reserved(
      'plain-is-for-other-stores',
      'The tables have statements for it.',
      '^lib/plain/',
      '^lib/(plain|redis|testing)/',
    ),
    ...['testing', 'opentelemetry', 'cli'].map((room) =>
      reserved(`${room}-is-outside`, 'A leaf.', `^lib/${room}/`, `^lib/${room}/`),
    ),
    reserved(
      'dashboard-is-outside',
      'A leaf, which the command line serves, too.',
      '^lib/dashboard/',
      '^lib/(dashboard/|cli/commands/look/dashboard\\.command\\.ts$)',
    ),

    {
      name: 'published-needs-peers-only',
      comment:
        'What applications load has no dependencies, and imports nothing that only development installs.',
      severity: 'error',
      from: { path: PUBLISHED, pathNot: ['^lib/cli/', PATTERN] },
      to: { path: 'node_modules/', dependencyTypesNot: ['npm-peer'] },
    },
    {
      name: 'patterns-need-croner-only',
      comment: 'One package is bundled with the library: it reads cron patterns, and nothing else.',
      severity: 'error',
      from: { path: PATTERN },
      to: { path: 'node_modules/', pathNot: 'node_modules/croner/' },
    },
    {
      name: 'cli-needs-what-is-bundled',
      comment: 'The command line is published with the packages that it needs, and with no others.',
      severity: 'error',
      from: { path: '^lib/cli/' },
      to: {
        path: 'node_modules/',
        pathNot: 'node_modules/(cli-progress|cli-table3|commander|picocolors)/',
        dependencyTypesNot: ['npm-peer', 'type-only'],
      },
    },
    only(
      'opentelemetry-listens',
      'It knows what telemetry may watch, and nothing that works.',
      '^lib/opentelemetry/',
      FLOOR,
      '^lib/observability/',
    ),
    {
      name: 'opentelemetry-is-optional',
      comment: 'An application without it has none of its packages.',
      severity: 'error',
      from: { path: PUBLISHED, pathNot: '^lib/opentelemetry/' },
      to: { path: 'node_modules/@opentelemetry/' },
    },
    {
      name: 'published-stands-alone',
      comment: 'Tests and samples look in; nothing looks out.',
      severity: 'error',
      from: { path: PUBLISHED },
      to: { path: '^(test|sample|bench|scripts)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
