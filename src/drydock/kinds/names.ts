/** The rules for names, with the words Kubernetes uses when they are broken. Source: util/validation. */
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

const LABEL_MESSAGE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1035_MESSAGE =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_MESSAGE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const PATH_SEGMENT_MESSAGE = "may not contain '/' or '%', and may not be '.' or '..'";

/** What is wrong with the name; undefined when nothing is. */
export function labelNameProblem(name: string): string | undefined {
  if (name.length > 63) return 'must be no more than 63 characters';
  return LABEL.test(name) ? undefined : LABEL_MESSAGE;
}

export function label1035Problem(name: string): string | undefined {
  if (name.length > 63) return 'must be no more than 63 characters';
  return /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name) ? undefined : LABEL_1035_MESSAGE;
}

export function subdomainNameProblem(name: string): string | undefined {
  if (name.length > 253) return 'must be no more than 253 characters';
  return SUBDOMAIN.test(name) ? undefined : SUBDOMAIN_MESSAGE;
}

export function pathSegmentProblem(name: string): string | undefined {
  return name === '.' || name === '..' || /[/%]/.test(name) ? PATH_SEGMENT_MESSAGE : undefined;
}

/** How an object of a kind may be called. */
export function nameProblem(group: string, kind: string, name: string): string | undefined {
  if (kind === 'Namespace') return labelNameProblem(name);
  if (kind === 'Service') return label1035Problem(name);
  if (group === 'rbac.authorization.k8s.io' || group === 'apiregistration.k8s.io') {
    return pathSegmentProblem(name);
  }
  return subdomainNameProblem(name);
}

/** Source: IsValidPortName in util/validation. */
export function portNameProblems(name: string): string[] {
  const problems: string[] = [];
  if (name.length > 15) problems.push('must be no more than 15 characters');
  if (!/^[-a-z0-9]+$/.test(name)) {
    problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!/[a-z]/.test(name)) problems.push('must contain at least one letter (a-z)');
  if (name.includes('--')) problems.push('must not contain consecutive hyphens');
  if (name.startsWith('-') || name.endsWith('-')) problems.push('must not begin or end with a hyphen');
  return problems;
}

const WILDCARD_MESSAGE =
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/** A host name of an Ingress: a subdomain, or all names below one. */
export function hostProblem(host: string): string | undefined {
  if (!host.includes('*')) return subdomainNameProblem(host);
  return host.startsWith('*.') && SUBDOMAIN.test(host.slice(2)) ? undefined : WILDCARD_MESSAGE;
}
