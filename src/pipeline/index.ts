export { pinImage } from './image-pin.ts';
export type { ImagePin } from './image-pin.ts';
