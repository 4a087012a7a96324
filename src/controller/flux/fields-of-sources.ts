import { YES, idle, no, only, yes } from './fields-support.ts';
import type { Fields } from './fields-support.ts';

const CLOUD = 'credentials of a cloud are not looked up; put them into the Secret of spec.secretRef';
const SIGNATURES =
  'signatures of images are not checked, and nothing is taken unchecked; pin spec.ref.digest instead';
const CHART_SIGNATURES =
  'signatures of charts are not checked, and nothing is taken unchecked; use an OCIRepository with spec.ref.digest';
const OUR_TIMEOUTS = 'every request has a limit of its own';

/** Source: the v1 API of source-controller. */
export const SOURCE_FIELDS: Readonly<Record<string, Fields>> = {
  GitRepository: {
    url: yes('http, https and ssh; a folder, where `serve` runs outside of the cluster'),
    'secretRef.name': yes(
      'username and password, bearerToken, identity with known_hosts, ca.crt, tls.crt, tls.key',
    ),
    provider: only(['generic'], CLOUD),
    serviceAccountName: no(CLOUD),
    interval: YES,
    timeout: idle(OUR_TIMEOUTS),
    'ref.branch': YES,
    'ref.tag': YES,
    'ref.semver': YES,
    'ref.name': YES,
    'ref.commit': YES,
    'verify.mode': yes('HEAD, Tag, TagAndHEAD'),
    'verify.secretRef.name': yes('PGP keys through the gpg program, *.sshpub through ssh-keygen'),
    'proxySecretRef.name': yes('address, username, password; for http and https URLs'),
    ignore: YES,
    suspend: YES,
    recurseSubmodules: yes('nested ones too; credentials go to the host of the repository only'),
    include: yes('refused where something is at toPath already, as in Flux'),
    sparseCheckout: YES,
  },
  OCIRepository: {
    url: YES,
    'ref.digest': YES,
    'ref.semver': YES,
    'ref.semverFilter': YES,
    'ref.tag': YES,
    'layerSelector.mediaType': YES,
    'layerSelector.operation': yes('extract, copy'),
    provider: only(['generic'], CLOUD),
    'secretRef.name': yes('docker config'),
    verify: no(SIGNATURES),
    serviceAccountName: no('pull secrets of ServiceAccounts are not looked up; name one in spec.secretRef'),
    'certSecretRef.name': yes('ca.crt'),
    'proxySecretRef.name': no('registries are reached directly'),
    interval: YES,
    timeout: idle(OUR_TIMEOUTS),
    ignore: YES,
    insecure: YES,
    suspend: YES,
  },
  HelmRepository: {
    url: YES,
    type: yes('default: the index is fetched; oci: no status, as in Flux'),
    'secretRef.name': yes('username and password, docker config; ca.crt, tls.crt, tls.key'),
    'certSecretRef.name': yes('ca.crt; tls.crt and tls.key for the index only'),
    passCredentials: YES,
    interval: YES,
    insecure: YES,
    timeout: YES,
    suspend: YES,
    accessFrom: idle('Flux does nothing with it either'),
    provider: only(['generic'], CLOUD),
  },
  HelmChart: {
    chart: YES,
    version: YES,
    'sourceRef.apiVersion': YES,
    'sourceRef.kind': yes('HelmRepository, GitRepository; Bucket is refused'),
    'sourceRef.name': YES,
    interval: YES,
    reconcileStrategy: YES,
    valuesFiles: YES,
    ignoreMissingValuesFiles: YES,
    suspend: yes('who refers to it stays at the version of its artifact'),
    verify: no(CHART_SIGNATURES),
  },
  Bucket: {
    provider: YES,
    bucketName: YES,
    endpoint: YES,
    sts: YES,
    insecure: YES,
    region: YES,
    prefix: YES,
    'secretRef.name': YES,
    'certSecretRef.name': YES,
    'proxySecretRef.name': YES,
    serviceAccountName: YES,
    interval: YES,
    timeout: YES,
    ignore: YES,
    suspend: YES,
  },
};
