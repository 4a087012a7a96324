import { mapOf, string, text } from './arguments.ts';
import type { TemplateFunction } from './execute.ts';
import { templateError } from './value.ts';
import type { Value } from './value.ts';

/** RFC 3986, appendix B, with what stands before the host apart. */
const URL_PARTS =
  /^(?:([A-Za-z][A-Za-z\d+.-]*):)?(?:\/\/(?:([^@/?#]*)@)?([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s;

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw templateError(`invalid URL escape in ${part}`);
  }
}

function urlParse(value: Value): Value {
  const [, scheme = '', userinfo = '', host = '', path = '', query = '', fragment = ''] =
    URL_PARTS.exec(text(value)) ?? [];
  // `mailto:a@b` has no path.
  const isOpaque = scheme !== '' && !text(value).startsWith('//', scheme.length + 1) && !path.startsWith('/');
  return {
    scheme: scheme.toLowerCase(),
    userinfo,
    host,
    hostname: host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1'),
    path: isOpaque ? '' : decoded(path),
    opaque: isOpaque ? path : '',
    query,
    fragment: decoded(fragment),
  };
}

function urlJoin(value: Value): string {
  const map = mapOf(value);
  const part = (name: string) => (map[name] === undefined || map[name] === null ? '' : string(map[name]));
  const scheme = part('scheme') === '' ? '' : `${part('scheme')}:`;
  const [query, fragment] = [part('query'), part('fragment')];
  const tail = `${query === '' ? '' : `?${query}`}${fragment === '' ? '' : `#${encodeURI(fragment)}`}`;
  if (part('opaque') !== '') return `${scheme}${part('opaque')}${tail}`;
  const [host, userinfo] = [part('host'), part('userinfo')];
  const place = host === '' && userinfo === '' ? '' : `//${userinfo === '' ? '' : `${userinfo}@`}${host}`;
  const path = encodeURI(part('path'));
  return `${scheme}${place}${place !== '' && path !== '' && !path.startsWith('/') ? '/' : ''}${path}${tail}`;
}

export const urlFunctions: Readonly<Record<string, TemplateFunction>> = { urlParse, urlJoin };
