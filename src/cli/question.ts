import { measuredOf } from '../boundaries/index.ts';
import type { Ledger, LedgerSubject } from '../ledger/index.ts';
import type { RegistryClientOptions } from '../oci/index.ts';
import { answerGoverned, declarationsOf } from '../pipeline/index.ts';
import type { Material, Proof, Question, Sources } from '../verdict/index.ts';
import { buildsOfCommit } from './builds/of-commit.ts';

export interface Asking {
  readonly application: string;
  readonly namespace?: string | undefined;
  readonly revision?: string | undefined;
  readonly image?: string | undefined;
  readonly acceptSimulated?: boolean | undefined;
  readonly onProgress?: ((step: string) => void) | undefined;
}

/** A question as the verdict engine takes it: what `landfall.yaml` declares, and what was measured before. */
export function questionOf(
  asking: Asking,
  sources: Sources & { readonly registryOptions?: RegistryClientOptions },
  ledger: Ledger,
): Question {
  const { application, namespace, revision, image, acceptSimulated, onProgress } = asking;
  return {
    application,
    ...(namespace === undefined ? {} : { namespace }),
    ...(revision === undefined ? {} : { revision }),
    ...(image === undefined ? {} : { image }),
    ...(acceptSimulated === undefined ? {} : { acceptSimulated }),
    ...(onProgress === undefined ? {} : { onProgress }),
    declaredBy: declarationsOf,
    governedBy: answerGoverned(sources, ledger),
    buildsOf: buildsOfCommit(ledger),
    baselineFor: (spec, digest) =>
      ledger.errorShares.baseline(
        { cluster: sources.kube.server, namespace: spec.namespace, application: spec.name },
        digest,
      ),
  };
}

/** Keeps how the running image fails, for the comparison with the release after it. Only when every pod runs the same. */
export async function rememberErrors(material: Material, proof: Proof, ledger: Ledger): Promise<void> {
  const shares = material.observed.flatMap((observed) =>
    observed.errors?.state === 'read'
      ? observed.errors.value.map((share) => ({ ...share, of: measuredOf(observed) }))
      : [],
  );
  const leading = material.images.find((image) => image.repository === proof.image);
  const containers = new Set(leading?.uses.map((use) => use.container));
  const digests = new Set(
    material.rollouts.flatMap((subject) =>
      subject.checks.filter((check) => containers.has(check.container)).map((check) => check.digest),
    ),
  );
  const [digest] = digests;
  if (shares.length === 0 || digests.size !== 1 || digest === undefined) return;
  const versions = new Set(
    material.observed.flatMap((observed) =>
      observed.buildInfo?.state === 'read' ? observed.buildInfo.value.map((info) => info.version) : [],
    ),
  );
  const [version] = versions;
  await ledger.errorShares.record(subjectOf(proof), {
    digest,
    release: version ?? digest,
    at: proof.at,
    shares,
  });
}

/** What the ledger keeps a proof under. */
export function subjectOf({ cluster, subject }: Proof): LedgerSubject {
  return { cluster, namespace: subject.namespace, application: subject.name };
}
