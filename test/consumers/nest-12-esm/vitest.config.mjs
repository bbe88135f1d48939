export default { test: { globals: true, root: './', include: ['**/*.spec.ts'] } };
