/** What a source of ours exports. Jest adds names to a module that `library.mjs` has made a function. */
export const exportsOf = <Module extends object>(module: Module): Module =>
  (module as { 'module.exports'?: Module })['module.exports'] ?? module;
