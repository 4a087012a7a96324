/** Image changes written into files: exactly the lines that must change, proven by rendering before and after. */
export { editImages } from './edit-images.ts';
export { pinImage } from './image-pin.ts';
export type { ImagePin } from './pin-request.ts';
export type {
  ImageChange,
  ImageEdit,
  ImageEditRequest,
  ImageEdits,
  ImageParameters,
  WriteTarget,
} from './contract.ts';
