import type { RolloutSubject } from '../boundaries/index.ts';
import type { Material } from './judge.ts';

function podsOf(subject: RolloutSubject) {
  return subject.pods.state === 'read' ? subject.pods.value.current.filter((pod) => !pod.terminating) : [];
}

/**
 * The material as somebody reads it who takes simulated pods as running, for tests of scale: their images count as
 * built and pulled, and nothing is asked of programs that are not there. Real pods are judged as ever.
 */
export function takingSimulated(material: Material): Material {
  const simulated = new Set(
    material.rollouts.flatMap((subject) =>
      podsOf(subject)
        .filter((pod) => pod.simulated)
        .map((pod) => pod.name),
    ),
  );
  if (simulated.size === 0) return material;
  const wholly = new Set(
    material.rollouts
      .filter((subject) => podsOf(subject).length > 0 && podsOf(subject).every((pod) => pod.simulated))
      .map(
        (subject) =>
          `${subject.object.kind}/${subject.object.metadata.namespace ?? ''}/${subject.object.metadata.name}`,
      ),
  );
  return {
    ...material,
    rollouts: material.rollouts.map((subject) => ({
      ...subject,
      checks: subject.checks.map((check) =>
        simulated.has(check.pod) ? { ...check, outcome: 'match', why: '' } : check,
      ),
    })),
    images: material.images.map((image) =>
      image.answer.state !== 'read' && image.uses.every((use) => wholly.has(use.object))
        ? { ...image, simulated: true }
        : image,
    ),
    observed: material.observed.filter(({ observation }) => {
      const service = material.services.find((one) => one.object.metadata.name === observation.service);
      const endpoints = service?.endpoints.state === 'read' ? service.endpoints.value : [];
      return (
        endpoints.length === 0 ||
        endpoints.some((endpoint) => endpoint.pod === undefined || !simulated.has(endpoint.pod))
      );
    }),
  };
}
