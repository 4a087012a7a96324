import type { TextLine } from '../block.ts';

/** Keys that describe shows at the margin for a pod; in any other place they belong to what is open. */
const TOP =
  /^(?:Name|Namespace|Priority|Priority Class Name|Service Account|Node|Start Time|Labels|Annotations|Status|IP|IPs|Controlled By|Containers|Init Containers|Conditions|Readiness Gates|Volumes|QoS Class|Node-Selectors|Tolerations|Events):/;
const STATE = /^(?:Reason|Message|Exit Code|Started|Finished|Signal):/;
const OF_CONTAINER =
  /^(?:Container ID|Image|Image ID|Ports?|Host Ports?|Command|Args|State|Last State|Ready|Restart Count|Limits|Requests|Liveness|Readiness|Startup|Environment(?: Variables from)?|Mounts|SeccompProfile):/;
const OF_VOLUME =
  /^(?:Type|Name|Optional|SecretName|ClaimName|ReadOnly|Medium|SizeLimit|Path|HostPathType|TokenExpirationSeconds|ConfigMapName|ConfigMapOptional|DownwardAPI):/;

/** Longer texts are no description of a pod. */
const MOST_LINES = 5_000;

/** A pod's description that lost its indentation, put back line for line; undefined where nothing is lost. */
export function describedWithIndentation(lines: readonly TextLine[]): readonly TextLine[] | undefined {
  if (lines.length > MOST_LINES) return undefined;
  const told = lines.filter(({ text }) => text.trim() !== '');
  const containers = told.some(({ text }) => /^(?:Init )?Containers:\s*$/.test(text));
  const lost = told.filter(({ text }) => OF_CONTAINER.test(text)).length;
  if (!containers || lost < 2 || told.some(({ text }) => /^\s+(?:Image|State|Ready):/.test(text)))
    return undefined;
  let section = '';
  let part = '';
  return lines.map((line, index) => {
    const text = line.text.trim();
    const at = (indent: number): TextLine => ({ ...line, text: ' '.repeat(indent) + text });
    const next =
      lines
        .slice(index + 1)
        .find((each) => each.text.trim() !== '')
        ?.text.trim() ?? '';
    const key = /^([^:]+):/.exec(text)?.[1] ?? '';
    if (section.endsWith('Containers')) {
      // A name alone opens a container where what follows it belongs to one.
      if (/^[a-z0-9][\w.-]*:$/.test(text) && OF_CONTAINER.test(next)) {
        part = '';
        return at(2);
      }
      if (STATE.test(text) && part.endsWith('State')) return at(6);
      if (OF_CONTAINER.test(text)) {
        part = key;
        return at(4);
      }
    }
    if (section === 'Volumes') {
      if (/^[a-z0-9][\w.-]*:$/.test(text) && OF_VOLUME.test(next)) return at(2);
      if (OF_VOLUME.test(text)) return at(4);
    }
    if (TOP.test(text)) {
      section = key;
      part = '';
      return at(0);
    }
    if (section.endsWith('Containers')) return at(part === '' ? 4 : 6);
    return section === '' ? at(0) : at(2);
  });
}
