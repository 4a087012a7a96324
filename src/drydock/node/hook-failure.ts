import type { Container, Pod } from '../controllers/index.ts';

/** What the kubelet says of a postStart hook that failed (pkg/kubelet/lifecycle/handlers.go, 1.32). */
export function hookFailure(container: Container, pod: Pod, output: string): string {
  const { name, namespace = '', uid = '' } = pod.metadata;
  const where = `for Container "${container.name}" in Pod "${name}_${namespace}(${uid})" failed - error:`;
  const hook = container.lifecycle?.postStart;
  if (hook?.exec !== undefined) {
    const command = hook.exec.command ?? [];
    return `Exec lifecycle hook (${JSON.stringify(command).replaceAll('"', '').replaceAll(',', ' ')}) ${where} command '${command.join(' ')}' failed, message: ${JSON.stringify(output)}`;
  }
  if (hook?.httpGet !== undefined) {
    return `HTTP lifecycle hook (${hook.httpGet.path ?? ''}) ${where} ${output}, message: ""`;
  }
  return `lifecycle hook ${where} ${output}`;
}
