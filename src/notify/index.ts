export type { ChannelDeclaration } from './channel.ts';
export { newsOf } from './news.ts';
export type { News, ObjectNews } from './news.ts';
export { tell } from './tell.ts';
export type { TellContext, Told } from './tell.ts';
