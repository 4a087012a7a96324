import { describe, expect, it } from 'vitest';
import { readClientModel, readModel } from './declarations.ts';

const MODEL = `import { IOther } from "./Other";
/**
 * Thing is one.
 *
 * And two.
 */
export interface IThing {
    /**
     * Paths like *\\/x and [\\*].
     */
    "paths"?: Array<string>;
    /**
     * Mode.
     */
    "mode": "A" | "B";
    /**
     * Modes.
     */
    "modes"?: Array<"A" | "B">;
    "silent"?: IOther;
}
/**
 * Thing is one.
 */
export declare class Thing extends Model<IThing> implements IThing {
    "paths"?: Array<string>;
}
`;
const CLIENT = `/**
* Thing\\'s own.
*/
export declare class V1Thing {
    /**
    * All of \\"pods/_*\\", and C:\\\\\\\\D.
    */
    '_default'?: string;
    'silent'?: V1Other;
    static readonly discriminator: string | undefined;
}
`;

describe('declarations as documentation', () => {
  it('of models have paragraphs, closed sets, and texts without what was escaped', () => {
    const { text, properties } = readModel(MODEL);
    expect(text).toBe('Thing is one.\n\nAnd two.');
    expect([...properties]).toEqual([
      ['paths', { text: 'Paths like */x and [*].', values: [], type: 'Array<string>' }],
      ['mode', { text: 'Mode.', values: ['A', 'B'], type: '"A" | "B"' }],
      ['modes', { text: 'Modes.', values: ['A', 'B'], type: 'Array<"A" | "B">' }],
    ]);
  });

  it('of the client are read under the names of the API', () => {
    const { text, properties } = readClientModel(CLIENT);
    expect(text).toBe("Thing's own.");
    expect([...properties]).toEqual([
      ['default', { text: 'All of "pods/*", and C:\\\\D.', values: [], type: 'string' }],
    ]);
  });
});
