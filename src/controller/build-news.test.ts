import { expect, it } from 'vitest';
import type { Build } from '../ledger/index.ts';
import { createBuildNews } from './build-news.ts';

it('tells each build once, whoever ran it, and nothing of what was there before', async () => {
  let succeeded = ['1'];
  const told: string[] = [];
  const list = () =>
    Promise.resolve(succeeded.map((id) => ({ id, image: id === '3' ? '' : `shop:${id}` }) as Build));
  const look = createBuildNews({ list }, ({ image }) => told.push(image));
  await look();
  await look();
  expect(told).toEqual([]);
  succeeded = ['4', '3', '2', '1'];
  await look();
  await look();
  expect(told).toEqual(['shop:2', 'shop:4']);
});
