import { sign, type KeyObject } from 'node:crypto';
import { ECDSA_WITH_SHA256 } from './certificate.ts';
import { bits, der, integer, objectId, pem, sequence, set } from './der.ts';

const attribute = (id: string, value: string) => set(sequence(objectId(id), der(0x0c, Buffer.from(value))));

/** A PKCS #10 request for this name and organization, with the key of one pair and signed by the other's. For tests. */
export function certificateRequest(
  name: string,
  organization: string,
  publicKey: KeyObject,
  privateKey: KeyObject,
): string {
  const info = sequence(
    integer(Buffer.from([0])),
    sequence(attribute('2.5.4.10', organization), attribute('2.5.4.3', name)),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa0),
  );
  const algorithm = sequence(objectId(ECDSA_WITH_SHA256));
  return pem('CERTIFICATE REQUEST', sequence(info, algorithm, bits(sign('sha256', info, privateKey))));
}
