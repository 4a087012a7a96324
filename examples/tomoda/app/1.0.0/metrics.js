/** Counters with labels, written as Prometheus text. */
export function createMetrics(build) {
  const counters = new Map();

  return {
    declare(name, help) {
      counters.set(name, { help, series: new Map() });
    },
    count(name, labels, by = 1) {
      const { series } = counters.get(name);
      const key = labelText(labels);
      series.set(key, (series.get(key) ?? 0) + by);
    },
    text() {
      const info = { version: build.version, commit: build.commit, build_date: build.buildDate };
      const lines = [
        '# HELP app_build_info What this process was built from.',
        '# TYPE app_build_info gauge',
        `app_build_info${labelText(info)} 1`,
      ];
      for (const [name, { help, series }] of counters) {
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} counter`);
        for (const [labels, value] of series) lines.push(`${name}${labels} ${value}`);
      }
      return `${lines.join('\n')}\n`;
    },
  };
}

function labelText(labels) {
  const escape = (value) =>
    String(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${escape(value)}"`)
    .join(',')}}`;
}
