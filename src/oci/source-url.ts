/**
 * A repository's URL as it may be published in an image: a password or token in it is left out, and with HTTP the user
 * too. What is no URL (`git@host:path`, a folder) is left as it is.
 */
export function withoutCredentials(repository: string): string {
  let url: URL;
  try {
    url = new URL(repository);
  } catch {
    return repository;
  }
  if (url.username === '' && url.password === '') return repository;
  url.password = '';
  if (url.protocol === 'http:' || url.protocol === 'https:') url.username = '';
  return url.href;
}
