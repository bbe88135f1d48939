/** What to write instead: the driver would connect elsewhere, and errors would name a part of the password as host or database. */
export const ENCODE = 'In a password write % as %25, @ as %40, / as %2F, # as %23, ? as %3F';

/** As the driver does, with a host in the place of none: `postgres://user@/database?host=/run/postgresql`. */
export function urlOf(text: string): URL | undefined {
  return [text, text.replace('@/', '@localhost/')]
    .filter((each) => URL.canParse(each))
    .map((each) => new URL(each))[0];
}

/** Parameters in which people write an @ as it is. */
const AT_IN_SEARCH = /[?&](?!(?:user|password|options|application_name)=)[^&]*@/;

/** A password with a sign that ends the part before the @ lies about in what follows; so do settings that follow no question mark. */
export const isTorn = ({ protocol, pathname, search, hash }: URL): boolean =>
  /^postgres(ql)?:$/.test(protocol) &&
  (/[@:;&=]|.\//.test(pathname) ||
    AT_IN_SEARCH.test(search) ||
    hash !== '' ||
    (!pathname.startsWith('/') && pathname !== ''));
