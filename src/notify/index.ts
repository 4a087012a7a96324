export type { ChannelDeclaration } from './channel.ts';
export { newsOf } from './news.ts';
export type { News, ObjectNews } from './news.ts';
export { buildMessage } from './build-news.ts';
export type { BuildNews } from './build-news.ts';
export { tell, tellMessage } from './tell.ts';
export type { Message, TellContext, Told } from './tell.ts';
