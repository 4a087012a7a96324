import type { JsonObject } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { releaseName } from '../../../boundaries/render/index.ts';
import { PUT_BACK } from '../../journalled-set.ts';
import type { Conditions } from '../kinds.ts';
import type { Release } from './release-state.ts';
import { releaseText, snapshots } from './release-status.ts';
import { uninstallsAfterUpgrade, withFailure } from './remediation.ts';
import type { Action } from './remediation.ts';

/** What the status says of a release that failed: it is counted, and taken away where that is the remedy. */
export function afterFailure(object: KubeObject, action: Action, history: readonly JsonObject[]): JsonObject {
  const counts = withFailure(object, action);
  const counted = { ...object, status: { ...(object['status'] as JsonObject | undefined), ...counts } };
  const isTakenAway = action === 'upgrade' && uninstallsAfterUpgrade(counted);
  const [last, ...before] = history;
  return {
    ...counts,
    history:
      last === undefined ? [] : [{ ...last, status: isTakenAway ? 'uninstalling' : 'failed' }, ...before],
  };
}

/** The condition `Remediated`, where what failed went back whole, as `message` says. */
export function remedied({ object, action }: Release, message: string): Conditions {
  if (!message.includes(PUT_BACK)) return {};
  const previous = snapshots(object).find(({ status }) => status === 'deployed' || status === 'superseded');
  if (action === 'install' || previous === undefined) {
    const { name, namespace } = releaseName(object);
    return {
      Remediated: {
        status: 'True',
        reason: 'UninstallSucceeded',
        message: `Helm uninstall remediation for release ${namespace}/${name} succeeded`,
      },
    };
  }
  const { version, chartName, chartVersion } = previous;
  const chart = { name: chartName, version: chartVersion };
  return {
    Remediated: {
      status: 'True',
      reason: 'RollbackSucceeded',
      message: `Helm rollback to previous ${releaseText(releaseName(object), version, chart)} succeeded`,
    },
  };
}
