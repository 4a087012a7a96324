/** `landfall.yaml`: what no other file can say, one file for each section of it. */
export { channelsOf, declarationsOf, undeclaredChannels } from './declared.ts';
export { parseLandfallYaml } from './read.ts';
export { LANDFALL_FILE } from './schema.ts';
export type { LandfallYaml, PromotionPolicy } from './schema.ts';
export type { ImageUpdateDeclaration } from './updates.ts';
