import type { EventFact, LogLine } from '../../verdict/index.ts';

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/CreatePodSandbox|create sandbox|KillPodSandbox/, 'FailedCreatePodSandBox'],
  [/CrashLoopBackOff/, 'BackOff'],
  [/ImagePullBackOff|ErrImagePull|PullImage/, 'Failed'],
  [/MountVolume|SetUp failed|Unable to attach or mount/, 'FailedMount'],
];

/** What kubelet logs when it cannot bring a pod up is what it tells by an event: `Error syncing pod ... pod="shop/web-1"`. */
export function kubeletEvent({ message, fields, source }: LogLine): EventFact | undefined {
  const pod = fields['pod'] ?? '';
  const said = fields['err'] ?? '';
  if (
    !/^[a-z0-9-]+\/[a-z0-9][a-z0-9.-]*$/.test(pod) ||
    said === '' ||
    !/syncing pod|sandbox|volume/i.test(message)
  )
    return undefined;
  const reason = REASONS.find(([pattern]) => pattern.test(said))?.[1];
  return reason === undefined
    ? undefined
    : {
        type: 'Warning',
        reason,
        message: reason === 'BackOff' ? 'Back-off restarting failed container' : said.replaceAll('\\', ''),
        object: `Pod/${pod}`,
        count: undefined,
        lastSeen: undefined,
        ageMs: undefined,
        source,
      };
}
