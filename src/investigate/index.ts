/** Reads what people paste: artifacts become one world of facts, and the world an answer. */
export { investigate } from './answer.ts';
export type { AnswerFinding, AnswerUnread, Investigation } from './answer.ts';
export { artifactOf, openArtifacts } from './open.ts';
