/** The longest name, key or tag that a caller may give. */
export const MAX_TEXT = 512;

/** What a column of text takes, up to `most` characters; empty as well. PostgreSQL's text holds no U+0000, and UTF-8 no lone surrogate. */
export const isText = (value: unknown, most = MAX_TEXT): value is string =>
  typeof value === 'string' &&
  value.length <= most &&
  !value.includes('\0') &&
  value.isWellFormed();
