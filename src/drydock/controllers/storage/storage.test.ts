import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../api/contract.ts';
import { controllerFixture, TESTER } from '../controller-fixture.ts';
import type { ControllerFixture } from '../controller-fixture.ts';
import { PODS } from '../objects.ts';
import type { Pod } from '../objects.ts';
import { CLAIMS, STORAGE_CLASSES, VOLUMES } from './index.ts';
import type { Claim, PersistentVolume } from './index.ts';

let fixture: ControllerFixture;
beforeEach(async () => {
  fixture = await controllerFixture();
});
afterEach(() => fixture.close());

const volume = (name: string, size: string, spec: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name },
  spec: {
    capacity: { storage: size },
    accessModes: ['ReadWriteOnce'],
    hostPath: { path: `/data/${name}` },
    ...spec,
  },
});
const claim = (spec: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'data', namespace: 'default' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '3Gi' } }, ...spec },
});
const storageClass = (provisioner: string, extra: object = {}): KubeObject => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'standard' },
  provisioner,
  ...extra,
});
const user: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'user', namespace: 'default' },
  spec: {
    containers: [{ name: 'c', image: 'nginx:1' }],
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
  },
};

const theClaim = () => fixture.get(CLAIMS, 'data') as Claim | undefined;
const theVolume = (name: string) => fixture.api.get(VOLUMES, undefined, name) as PersistentVolume | undefined;
const pod = () => fixture.get(PODS, 'user') as Pod;

describe('a claim', () => {
  it('gets the smallest free volume that suits it, and both say so', async () => {
    for (const [name, size] of [
      ['big', '10Gi'],
      ['fit', '5Gi'],
      ['small', '1Gi'],
    ] as const) {
      await fixture.create(VOLUMES, volume(name, size));
    }
    await fixture.settle();
    expect(theVolume('small')?.status?.phase).toBe('Available');
    await fixture.create(CLAIMS, claim());
    await fixture.settle();
    expect(theClaim()?.spec.volumeName).toBe('fit');
    expect(theClaim()?.metadata.annotations).toEqual({
      'pv.kubernetes.io/bind-completed': 'yes',
      'pv.kubernetes.io/bound-by-controller': 'yes',
    });
    expect(theClaim()?.status).toEqual({
      phase: 'Bound',
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '5Gi' },
    });
    expect(theVolume('fit')).toMatchObject({
      spec: { claimRef: { kind: 'PersistentVolumeClaim', namespace: 'default', name: 'data' } },
      status: { phase: 'Bound' },
    });
    expect(theVolume('big')?.status?.phase).toBe('Available');
  });

  it('is told that there is no volume, and gets one that comes later', async () => {
    await fixture.create(CLAIMS, claim());
    await fixture.settle();
    expect(theClaim()?.status?.phase).toBe('Pending');
    expect(fixture.messages('FailedBinding')).toEqual([
      'no persistent volumes available for this claim and no storage class is set',
    ]);
    await fixture.create(VOLUMES, volume('late', '3Gi'));
    await fixture.settle();
    expect(theClaim()?.spec.volumeName).toBe('late');
  });

  it.each([
    ['another class', { storageClassName: 'other' }],
    ['another mode of access', { accessModes: ['ReadOnlyMany'] }],
    ['another kind of volume', { volumeMode: 'Block' }],
    ['another claim', { claimRef: { namespace: 'default', name: 'another' } }],
  ])('does not get a volume that is for %s', async (_what, spec) => {
    await fixture.create(VOLUMES, volume('wrong', '5Gi', spec));
    await fixture.settle();
    await fixture.create(CLAIMS, claim());
    await fixture.settle();
    expect(theClaim()?.status?.phase).toBe('Pending');
  });

  it('gets the volume that was set aside for it, and the one it names', async () => {
    await fixture.create(VOLUMES, volume('near', '3Gi'));
    await fixture.create(
      VOLUMES,
      volume('kept', '9Gi', { claimRef: { namespace: 'default', name: 'data' } }),
    );
    await fixture.settle();
    await fixture.create(CLAIMS, claim());
    await fixture.settle();
    expect(theClaim()?.spec.volumeName).toBe('kept');
    await fixture.create(CLAIMS, {
      ...claim({ volumeName: 'near' }),
      metadata: { name: 'named', namespace: 'default' },
    });
    await fixture.settle();
    expect(fixture.get(CLAIMS, 'named')?.['status']).toMatchObject({ phase: 'Bound' });
  });

  it('stays until no pod uses it; its volume is then left behind', async () => {
    await fixture.create(VOLUMES, volume('fit', '5Gi'));
    await fixture.create(CLAIMS, claim());
    await fixture.create(PODS, user);
    await fixture.runAll();
    expect(pod().spec.nodeName).not.toBe('');
    await fixture.api.delete(CLAIMS, 'default', 'data');
    await fixture.settle();
    expect(theClaim()?.metadata.finalizers).toEqual(['kubernetes.io/pvc-protection']);
    await fixture.api.delete(VOLUMES, undefined, 'fit');
    await fixture.settle();
    expect(theVolume('fit')).toBeDefined();
    await fixture.api.delete(PODS, 'default', 'user', { gracePeriodSeconds: 0 });
    await fixture.settle();
    expect(theClaim()).toBeUndefined();
    expect(theVolume('fit')).toBeUndefined();
  });

  it('leaves a volume behind that is to be kept', async () => {
    await fixture.create(VOLUMES, volume('fit', '5Gi'));
    await fixture.create(CLAIMS, claim());
    await fixture.settle();
    await fixture.api.delete(CLAIMS, 'default', 'data');
    await fixture.settle();
    expect(theVolume('fit')?.status?.phase).toBe('Released');
  });

  it('is lost when its volume is', async () => {
    await fixture.create(VOLUMES, volume('fit', '5Gi'));
    await fixture.create(CLAIMS, claim());
    await fixture.settle();
    await fixture.api.patch(VOLUMES, undefined, 'fit', 'merge', { metadata: { finalizers: null } }, TESTER);
    await fixture.api.delete(VOLUMES, undefined, 'fit');
    await fixture.settle();
    expect(theClaim()?.status?.phase).toBe('Lost');
    expect(fixture.messages('ClaimLost')).toEqual([
      'Bound claim has lost its PersistentVolume. Data on the volume is lost!',
    ]);
  });
});

describe('a storage class', () => {
  it('whose provisioner gives folders has volumes made, which go with their claims', async () => {
    await fixture.create(STORAGE_CLASSES, storageClass('rancher.io/local-path'));
    await fixture.create(CLAIMS, claim({ storageClassName: 'standard' }));
    await fixture.settle();
    const name = `pvc-${theClaim()?.metadata.uid ?? ''}`;
    expect(theClaim()?.spec.volumeName).toBe(name);
    expect(theVolume(name)).toMatchObject({
      metadata: { annotations: { 'pv.kubernetes.io/provisioned-by': 'rancher.io/local-path' } },
      spec: { capacity: { storage: '3Gi' }, persistentVolumeReclaimPolicy: 'Delete' },
      status: { phase: 'Bound' },
    });
    await fixture.api.delete(CLAIMS, 'default', 'data');
    await fixture.settle();
    expect(theVolume(name)).toBeUndefined();
  });

  it('that waits for a consumer has none made before there is one', async () => {
    const extra = { volumeBindingMode: 'WaitForFirstConsumer' };
    await fixture.create(STORAGE_CLASSES, storageClass('rancher.io/local-path', extra));
    await fixture.create(CLAIMS, claim({ storageClassName: 'standard' }));
    await fixture.settle();
    expect(theClaim()?.status?.phase).toBe('Pending');
    expect(fixture.messages('WaitForFirstConsumer')).toEqual([
      'waiting for first consumer to be created before binding',
    ]);
    await fixture.create(PODS, user);
    await fixture.runAll();
    expect(theClaim()?.status?.phase).toBe('Bound');
    expect(pod().status?.phase).toBe('Running');
    expect(fixture.messages('FailedScheduling')).toEqual([]);
  });

  it('of a driver that is not here leaves the claim waiting, and says for whom', async () => {
    await fixture.create(STORAGE_CLASSES, storageClass('ebs.csi.aws.com'));
    await fixture.create(CLAIMS, claim({ storageClassName: 'standard' }));
    await fixture.settle();
    expect(theClaim()?.status?.phase).toBe('Pending');
    expect(fixture.messages('ExternalProvisioning')).toEqual([
      "Waiting for a volume to be created either by the external provisioner 'ebs.csi.aws.com' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.",
    ]);
  });

  it('that is the default is given to a claim that names none', async () => {
    const standard = storageClass('ebs.csi.aws.com');
    const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
    await fixture.create(STORAGE_CLASSES, { ...standard, metadata: { name: 'standard', annotations } });
    await fixture.create(CLAIMS, claim());
    expect(theClaim()?.spec.storageClassName).toBe('standard');
  });
});

describe('a pod with a claim', () => {
  it.each<[string, () => Promise<unknown>, string]>([
    ['that is not there', () => Promise.resolve(), 'persistentvolumeclaim "data" not found'],
    [
      'without a volume',
      () => fixture.create(CLAIMS, claim()),
      'pod has unbound immediate PersistentVolumeClaims',
    ],
  ])('%s waits, and says why', async (_what, prepare, reason) => {
    await prepare();
    await fixture.create(PODS, user);
    await fixture.runAll();
    expect(fixture.messages('FailedScheduling')).toEqual([
      `0/3 nodes are available: ${reason}. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.`,
    ]);
    await fixture.create(VOLUMES, volume('fit', '5Gi'));
    if (theClaim() === undefined) await fixture.create(CLAIMS, claim());
    await fixture.runAll();
    expect(pod().status?.phase).toBe('Running');
  });
});
