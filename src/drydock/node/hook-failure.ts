import type { Container, Pod } from '../controllers/index.ts';
import type { Outcome } from './probe.ts';

/** What the kubelet says of a postStart hook that failed (pkg/kubelet/lifecycle/handlers.go, 1.32). */
export function hookFailure(container: Container, pod: Pod, { message, exitCode }: Outcome): string {
  const { name, namespace = '', uid = '' } = pod.metadata;
  const where = `for Container "${container.name}" in Pod "${name}_${namespace}(${uid})" failed - error:`;
  const hook = container.lifecycle?.postStart;
  if (hook?.exec !== undefined) {
    const command = (hook.exec.command ?? []).join(' ');
    const why =
      exitCode === undefined
        ? message
        : `command '${command}' exited with ${exitCode}: ${message}, message: ${JSON.stringify(message)}`;
    return `Exec lifecycle hook ([${command}]) ${where} ${why}`;
  }
  const path = hook?.httpGet?.path ?? '';
  return `HTTP lifecycle hook (${path}) ${where} ${message}`;
}
