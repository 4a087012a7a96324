import { emptyConfig, mergeConfig } from './config/transformer-config.ts';
import type { TransformerConfig } from './config/transformer-config.ts';
import type { RenderContext } from './context.ts';
import { ResMap } from './res-map.ts';
import { mergeVars } from './vars.ts';
import type { Var } from './vars.ts';

/** Objects, configuration and vars of a kustomization and what is below it. */
export class Accumulator {
  readonly map: ResMap;
  config: TransformerConfig = emptyConfig;
  readonly vars = new Map<string, Var>();
  private readonly context: RenderContext;

  constructor(context: RenderContext) {
    this.context = context;
    this.map = new ResMap(context);
  }

  absorb(other: Accumulator, where: string): void {
    this.map.appendAll(other.map.list);
    this.config = mergeConfig(this.config, other.config, where);
    mergeVars(this.vars, other.vars.values(), undefined, this.context);
  }
}
