import type { JsonObject, JsonValue } from '../../kernel/index.ts';

export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format: string;
  readonly description: string;
  /** 0 always shown, 1 with `-o wide`. */
  readonly priority: number;
}

/** The columns of a kind, and one row of cells. */
export interface Printer {
  readonly columns: readonly Column[];
  cells(object: JsonObject, now: number): JsonValue[];
}

/** `Name, Ready, Age, Restarts:integer, *Images`: a star marks wide columns. The name column is recognised. */
export function columns(text: string): readonly Column[] {
  return text.split(',').map((part) => {
    const trimmed = part.trim();
    const wide = trimmed.startsWith('*');
    const [name = '', type = 'string'] = (wide ? trimmed.slice(1) : trimmed).split(':');
    return {
      name,
      type: type === 'integer' || type === 'boolean' || type === 'number' ? type : 'string',
      format: name === 'Name' && !wide ? 'name' : '',
      description: `${name} of the object.`,
      priority: wide ? 1 : 0,
    };
  });
}
