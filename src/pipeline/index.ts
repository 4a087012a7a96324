export { changeField } from './field/change-field.ts';
export type { FieldChangeRequest, FieldChangeResult } from './field/change-field.ts';
export { pinImage } from './image-pin.ts';
export type { ImagePin } from './image-pin.ts';
export { channelsOf, declarationsOf, parseLandfallYaml, undeclaredChannels } from './landfall-yaml/index.ts';
export type { LandfallYaml } from './landfall-yaml/index.ts';
export { LANDFALL_FILE } from './landfall-yaml/index.ts';
export { environmentFolders, reachOfChange, reachOfFiles } from './reach.ts';
export type { Reached, ReachQuestion } from './reach.ts';
