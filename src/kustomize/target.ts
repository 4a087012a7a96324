import { LandfallError, parseYamlSource } from '../kernel/index.ts';
import type { YamlNode } from '../kernel/index.ts';
import { Accumulator } from './accumulator.ts';
import { crdConfig } from './config/crds.ts';
import { defaultConfig, emptyConfig, mergeConfig, parseConfig } from './config/transformer-config.ts';
import type { TextAt } from './decode.ts';
import { mergeOptions } from './generate/args.ts';
import { generateMap } from './generate/config-map.ts';
import { absorbGenerated } from './generate/absorb.ts';
import { readInternalAnnotations } from './internal-annotations.ts';
import { loadKustomization } from './kustomization.ts';
import type { Kustomization } from './kustomization.ts';
import { isRemote } from './loader.ts';
import { loadObjects } from './load-objects.ts';
import { fixNameReferences } from './name-references.ts';
import { addTransformation, appendOrigin, joinPath, originKey, setOrigin } from './origin.ts';
import type { Origin } from './origin.ts';
import { builtinTransformers } from './builtin-transformers.ts';
import { inlineSource } from './patch-source.ts';
import { makeGenerator, makeTransformers } from './plugins.ts';
import type { PluginHelp } from './plugins.ts';
import { Resource, validate } from './resource.ts';
import { hashTransformer } from './transform/hash.ts';
import type { Transformer } from './transform/transformer.ts';
import { isUntouched } from './validators.ts';
import { mergeVars, resolveVars } from './vars.ts';

/** Folders one below the other, at most. */
const maxNesting = 64;

/**
 * One kustomization and everything below it, in the order of the original's pipeline.
 * Source: api/internal/target/kusttarget.go.
 */
export class Target {
  readonly kustomization: Kustomization;
  private readonly help: PluginHelp;
  private readonly depth: number;
  private origin: Origin | undefined;
  private readonly trackOrigin: boolean;

  private constructor(
    kustomization: Kustomization,
    help: PluginHelp,
    depth: number,
    origin: Origin | undefined,
  ) {
    this.kustomization = kustomization;
    this.help = help;
    this.depth = depth;
    this.origin = origin;
    this.trackOrigin = origin !== undefined;
  }

  static async root(help: PluginHelp): Promise<Target> {
    const kustomization = await loadKustomization(help.loader);
    const origin = kustomization.buildMetadata.length > 0 ? {} : undefined;
    const target = new Target(kustomization, help, 0, origin);
    help.context.warnings.push(...kustomization.warnings);
    await target.useOpenApi();
    return target;
  }

  private async below(path: string): Promise<Target> {
    if (this.depth >= maxNesting) {
      throw new LandfallError(
        `${this.where}: kustomizations are nested more than ${maxNesting} levels deep.`,
        { kind: 'invalid-input', code: 'nesting', object: this.where },
      );
    }
    const loader = await this.help.loader.sub(path);
    const help = { ...this.help, loader };
    const kustomization = await loadKustomization(loader);
    help.context.warnings.push(...kustomization.warnings);
    const origin = this.origin === undefined ? undefined : appendOrigin(this.origin, path);
    const target = new Target(kustomization, help, this.depth + 1, origin);
    await target.useOpenApi();
    return target;
  }

  private get where(): string {
    return this.kustomization.source.name;
  }

  private get folder(): string {
    return this.help.loader.show(this.help.loader.root);
  }

  private async useOpenApi(): Promise<void> {
    const { openapi } = this.kustomization;
    const path = openapi.get('path');
    let schema: YamlNode | undefined;
    if (path !== undefined) {
      const source = await this.help.loader.source(path.text);
      [schema] = parseYamlSource(source, { words: 'yaml-1.1' });
    }
    this.help.context.openapi.use(openapi.get('version')?.text, schema, this.where);
  }

  /** Everything, with names and vars fixed: what only the root does. */
  async build(): Promise<Accumulator> {
    const accumulator = await this.accumulate(new Accumulator(this.help.context));
    const { map, config } = accumulator;
    (await hashTransformer(map.list)).transform(map);
    fixNameReferences(map, config.nameReference);
    resolveVars(accumulator.vars, map, config.varReference, this.help.context);
    dropLocal(accumulator);
    return accumulator;
  }

  private async accumulate(accumulator: Accumulator): Promise<Accumulator> {
    const { kustomization, where } = this;
    const { loader, context } = this.help;
    if (mixesObjects(kustomization)) context.mixes = true;
    await this.addResources(accumulator, kustomization.resources);
    let config = defaultConfig;
    let given = emptyConfig;
    for (const path of kustomization.configurations) {
      given = mergeConfig(given, parseConfig(await loader.source(path.text)), path.node.where);
    }
    config = mergeConfig(config, given, where);
    accumulator.config = mergeConfig(accumulator.config, config, where);
    let crds = emptyConfig;
    for (const path of kustomization.crds) {
      crds = mergeConfig(crds, crdConfig(await loader.source(path.text)), path.node.where);
    }
    accumulator.config = mergeConfig(accumulator.config, crds, where);
    await this.generate(accumulator);
    const merged = await this.addComponents(accumulator);
    await this.transform(merged);
    await this.validate(merged);
    mergeVars(merged.vars, kustomization.vars, merged.map, context);
    return merged;
  }

  private async addResources(accumulator: Accumulator, paths: readonly TextAt[]): Promise<void> {
    for (const path of paths) await this.addResource(accumulator, path);
  }

  /** A file if there is one, else a folder or a repository. */
  private async addResource(accumulator: Accumulator, path: TextAt): Promise<void> {
    const { loader, context } = this.help;
    let missing: LandfallError | undefined;
    try {
      if (!isRemote(path.text) || /^https?:/.test(path.text)) {
        const source = await loader.source(path.text);
        const origin = this.origin === undefined ? undefined : appendOrigin(this.origin, path.text);
        const { nodes, reused } = this.help.objects.load(source);
        const resources = nodes.map((node, index) => {
          const resource = new Resource(node, context);
          readInternalAnnotations(resource);
          resource.key = `${source.name}#${index}`;
          resource.reused = reused;
          resource.cause = path.node;
          if (origin !== undefined) setOrigin(resource, origin);
          return resource;
        });
        accumulator.map.appendAll(resources);
        return;
      }
    } catch (error) {
      if (!(error instanceof LandfallError)) throw error;
      if (
        error.code !== 'file-not-found' &&
        error.code !== 'load-restricted' &&
        error.code !== 'remote-refused'
      ) {
        throw within(error, `accumulating resources from '${path.text}' (${path.node.where})`);
      }
      if (error.code === 'load-restricted' && (await loader.isFile(path.text))) throw error;
      missing = error;
    }
    let target: Target;
    try {
      target = await this.below(path.text);
    } catch (error) {
      if (!(error instanceof LandfallError)) throw error;
      const both = error.code === 'file-not-found' && missing !== undefined ? missing : error;
      throw within(both, `accumulating resources: '${path.text}' (${path.node.where})`);
    }
    if (target.kustomization.kind === 'Component') {
      throw new LandfallError(
        `${path.node.where}: expected kind != 'Component' for path '${target.folder}': a component is listed under components, not resources.`,
        { kind: 'invalid-input', code: 'component-as-resource', object: path.node.where },
      );
    }
    const child = await target.accumulate(new Accumulator(context));
    accumulator.absorb(child, path.node.where);
  }

  private async addComponents(accumulator: Accumulator): Promise<Accumulator> {
    let current = accumulator;
    for (const path of this.kustomization.components) {
      const target = await this.below(path.text);
      if (target.kustomization.kind !== 'Component') {
        throw new LandfallError(
          `${path.node.where}: expected kind 'Component' for path '${target.folder}' but got '${target.kustomization.kind}'`,
          { kind: 'invalid-input', code: 'not-a-component', object: path.node.where },
        );
      }
      const inner = await target.accumulate(current);
      const fresh = new Accumulator(this.help.context);
      fresh.absorb(inner, path.node.where);
      current = fresh;
    }
    return current;
  }

  private async generate(accumulator: Accumulator): Promise<void> {
    const { kustomization, help } = this;
    const add = (resources: readonly Resource[], type: string, origin?: Origin) => {
      for (const resource of resources) {
        const from = origin ?? this.builtinOrigin(type);
        if (from !== undefined && !resource.textMap('annotations').has(originKey)) setOrigin(resource, from);
        absorbGenerated(accumulator.map, resource);
      }
    };
    for (const args of kustomization.configMaps) {
      const options = mergeOptions(args.options, kustomization.generatorOptions);
      add([await generateMap({ ...args, options }, help.loader, help.context)], 'ConfigMapGenerator');
    }
    for (const args of kustomization.secrets) {
      const options = mergeOptions(args.options, kustomization.generatorOptions);
      add([await generateMap({ ...args, options }, help.loader, help.context)], 'SecretGenerator');
    }
    for (const chart of kustomization.helmCharts) {
      // Few kustomizations have charts, and what runs programs takes time to load.
      const { generateHelm } = await import('./generate/helm.ts');
      add(await generateHelm(chart, kustomization.helmGlobals, help), 'HelmChartInflationGenerator');
    }
    for (const config of await this.plugins(kustomization.generators)) {
      const origin = this.pluginOrigin(config);
      add(await makeGenerator(config, help), config.kind, origin);
    }
  }

  private builtinOrigin(type: string): Origin | undefined {
    if (this.origin === undefined) return undefined;
    const { repo, ref, path } = this.origin;
    return {
      ...(repo === undefined ? {} : { repo }),
      ...(ref === undefined ? {} : { ref }),
      configuredIn: joinPath(path ?? '', this.kustomization.file),
      configuredBy: { apiVersion: 'builtin', kind: type },
    };
  }

  private pluginOrigin(config: Resource): Origin | undefined {
    const from = config.pluginOrigin;
    if (!this.trackOrigin || from === undefined) return undefined;
    const { path, repo, ref } = from;
    return {
      ...(repo === undefined ? {} : { repo }),
      ...(ref === undefined ? {} : { ref }),
      ...(path === undefined ? {} : { configuredIn: path }),
      configuredBy: {
        apiVersion: config.apiVersion,
        kind: config.kind,
        name: config.name,
        namespace: config.namespace,
      },
    };
  }

  /** Configurations of plugins: written in place, in files, or in folders that are kustomizations themselves. */
  private async plugins(entries: readonly TextAt[]): Promise<readonly Resource[]> {
    const accumulator = new Accumulator(this.help.context);
    const paths: TextAt[] = [];
    for (const entry of entries) {
      const inline = this.inlineConfigs(entry);
      if (inline === undefined) paths.push(entry);
      else accumulator.map.appendAll(inline);
    }
    await this.addResources(accumulator, paths);
    for (const config of accumulator.map.list) config.liftOrigin();
    return accumulator.map.list;
  }

  private inlineConfigs(entry: TextAt): Resource[] | undefined {
    let nodes: YamlNode[];
    try {
      nodes = loadObjects(inlineSource(entry));
    } catch (error) {
      if (error instanceof LandfallError) return undefined;
      throw error;
    }
    return nodes.map((node) => {
      const resource = new Resource(node, this.help.context);
      if (this.origin !== undefined) setOrigin(resource, appendOrigin(this.origin, this.kustomization.file));
      return resource;
    });
  }

  private async transform(accumulator: Accumulator): Promise<void> {
    const builtin = await builtinTransformers(this.kustomization, accumulator.config, this.help);
    const external: { readonly transformer: Transformer; readonly origin: Origin | undefined }[] = [];
    for (const config of await this.plugins(this.kustomization.transformers)) {
      const origin = this.pluginOrigin(config);
      for (const transformer of await makeTransformers(config, this.help))
        external.push({ transformer, origin });
    }
    const { map } = accumulator;
    for (const transformer of builtin) {
      transformer.transform(map);
      const origin = this.builtinOrigin(transformer.type);
      if (origin !== undefined) annotate(accumulator, origin);
      map.dropGone();
    }
    for (const { transformer, origin } of external) {
      transformer.transform(map);
      if (origin !== undefined) annotate(accumulator, origin);
      map.dropGone();
    }
  }

  /** Validators see everything and may change nothing; a value that is set anew to what it is counts as changed. */
  private async validate(accumulator: Accumulator): Promise<void> {
    const { map } = accumulator;
    for (const config of await this.plugins(this.kustomization.validators)) {
      const before = map.list.map((resource) => resource.clone());
      for (const transformer of await makeTransformers(config, this.help)) transformer.transform(map);
      const same =
        before.length === map.list.length &&
        map.list.every((resource, index) => isUntouched(before[index], resource));
      if (same) continue;
      throw this.refuse(
        `validator shouldn't modify the resource map: ${config.kind} ${config.name} did`,
        config.node,
      );
    }
  }

  private refuse(problem: string, node?: YamlNode): LandfallError {
    const where = node === undefined ? this.where : node.where;
    return new LandfallError(`${where}: ${problem}`, {
      kind: 'invalid-input',
      code: 'kustomization-invalid',
      object: where,
    });
  }
}

/** Configurations of plugins are objects themselves, so plugins count too. */
function mixesObjects(k: Kustomization): boolean {
  const lists = [k.replacements, k.vars, k.validators, k.transformers, k.generators, k.helmCharts];
  return lists.some((list) => list.length > 0);
}

function annotate(accumulator: Accumulator, origin: Origin): void {
  for (const resource of accumulator.map.list) {
    if (resource.gone) continue;
    if (resource.textMap('annotations').has(originKey)) addTransformation(resource, origin);
    else setOrigin(resource, origin);
  }
}

/** The objects are listed anew, so two that have come to the same id are refused here if not before. */
function dropLocal(accumulator: Accumulator): void {
  const kept = accumulator.map.list.filter((resource) => {
    validate(resource.node);
    const local = resource.textMap('annotations').get('config.kubernetes.io/local-config');
    return local === undefined || local === 'false';
  });
  accumulator.map.replaceAll([]);
  accumulator.map.appendAll(kept);
}

function within(error: LandfallError, doing: string): LandfallError {
  return new LandfallError(`${doing}: ${error.message}`, {
    kind: error.kind,
    code: error.code,
    ...(error.object === undefined ? {} : { object: error.object }),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
  });
}
