/**
 * Control characters (among them those that begin escape sequences and lines), separators that some programs take for line ends, and format
 * characters: marks that turn the direction of text, or cannot be seen. Whoever writes a name or an error must not write lines or colours of
 * a log or a terminal. Joiners of letters and emoji stay.
 */
export const UNSEEN = /[\p{Cc}\u2028\u2029]|(?![\u200c\u200d])\p{Cf}/gu;
