import { getArray, getObject, getString, isJsonObject } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import { readDescriptor } from './manifest.ts';
import type { Descriptor } from './manifest.ts';

/** The manifests of attestations that BuildKit put into an index, each with the platform's digest that it is about. */
export function attestationDescriptors(
  index: JsonObject,
  where: string,
): readonly { readonly descriptor: Descriptor; readonly subject: string }[] {
  return getArray(index, 'manifests').flatMap((entry) => {
    const annotations = isJsonObject(entry) ? getObject(entry, 'annotations') : undefined;
    const subject = getString(annotations, 'vnd.docker.reference.digest');
    if (
      getString(annotations, 'vnd.docker.reference.type') !== 'attestation-manifest' ||
      subject === undefined
    )
      return [];
    return [{ descriptor: readDescriptor(entry, where), subject }];
  });
}
