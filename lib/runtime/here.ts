/**
 * A file of this package, from which its dependencies are found. Alone in its file, and loaded when it is needed: where a test runner has
 * translated the package to CommonJS, `import.meta` cannot be read, and all that imports this would not load.
 */
export const HERE = import.meta.url;
