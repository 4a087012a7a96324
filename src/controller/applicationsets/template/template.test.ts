import { describe, expect, it } from 'vitest';
import { renderTemplate } from './execute.ts';
import { fastTemplate } from './fast-template.ts';
import type { ValueMap } from './value.ts';

const DATA: ValueMap = {
  name: 'Web',
  port: 8080,
  big: 12_345_678,
  half: 0.5,
  on: true,
  empty: '',
  none: null,
  tags: ['b', 'a', 'b'],
  path: { path: 'apps/web', basename: 'web', segments: ['apps', 'web'] },
  labels: { team: 'shop', env: 'prod' },
};

describe('a Go template', () => {
  it.each([
    ['plain', 'plain'],
    ['{{.name}}-{{ .path.basename }}', 'Web-web'],
    ['{{.port}} {{.big}} {{.half}} {{.on}}', '8080 1.2345678e+07 0.5 true'],
    ['{{.gone}} {{.none}}', '<no value> <no value>'],
    ['{{.tags}} {{.labels}}', '[b a b] map[env:prod team:shop]'],
    ['{{index .path.segments 0}} {{ index .labels "team" }}', 'apps shop'],
    ['{{if .empty}}a{{else if .on}}b{{else}}c{{end}}', 'b'],
    ['{{with .path}}{{.basename}}{{end}}{{with .empty}}x{{else}}y{{end}}', 'weby'],
    ['{{range .tags}}{{.}},{{end}}', 'b,a,b,'],
    ['{{range $i, $t := .tags}}{{$i}}{{$t}} {{end}}', '0b 1a 2b '],
    ['{{range $k, $v := .labels}}{{$k}}={{$v}};{{end}}', 'env=prod;team=shop;'],
    ['{{range .gone}}x{{else}}none{{end}}', 'none'],
    ['{{range .tags}}{{if eq . "a"}}{{break}}{{end}}{{.}}{{end}}', 'b'],
    ['{{range .tags}}{{if eq . "a"}}{{continue}}{{end}}{{.}}{{end}}', 'bb'],
    ['{{$x := .name}}{{if .on}}{{$x = "set"}}{{end}}{{$x}} {{$.name}}', 'set Web'],
    ['a  {{- " b " -}}  c', 'a b c'],
    ['{{/* nothing */}}a{{- /* nor here */ -}} b', 'ab'],
    ['{{printf "%s-%03d-%.1f-%q-%v%%" .name 7 1.25 "x" .on}}', 'Web-007-1.2-"x"-true%'],
    ['{{printf "%d" .port}}', '%!d(float64=8080)'],
    ['{{and .on .name}} {{or .empty "x"}} {{not .on}}', 'Web x false'],
    [
      '{{eq .name "a" "Web"}} {{ne .name "a"}} {{lt 1 2}} {{ge 2 2}} {{gt 1.5 1.0}}',
      'true true true true true',
    ],
    ['{{len .tags}} {{len .name}} {{(index .tags 0) | upper}}', '3 3 B'],
    ['{{ .name | lower | trunc 2 | quote }}', '"we"'],
    ['{{ "{{.x}}" }}{{ `}}` }}', '{{.x}}}}'],
    ["{{ 'a' }} {{ 0x10 }} {{ 1e3 }} {{ -2 }}", '97 16 1000 -2'],
    ['{{print "a" 1 2 "b"}}', 'a1 2b'],
  ])('%s', (template, wanted) => {
    expect(renderTemplate(template, DATA)).toBe(wanted);
  });

  it.each([
    ['{{ default "x" .empty }}{{ default "x" .name }}', 'xWeb'],
    ['{{ coalesce .empty .none "c" }} {{ ternary "y" "n" .on }}', 'c y'],
    ['{{ .tags | uniq | sortAlpha | join "-" }} {{ has "a" .tags }} {{ without .tags "b" }}', 'a-b true [a]'],
    ['{{ splitList "/" .path.path | last }} {{ (split "/" .path.path)._0 }}', 'web apps'],
    [
      '{{ replace "/" "-" .path.path }} {{ trimSuffix "b" .path.basename }} {{ nospace " a b " }}',
      'apps-web we ab',
    ],
    [
      '{{ regexReplaceAll "^(a)(.*)$" .path.path "${2}$1" }} {{ regexMatch "^a.*b$" .path.path }}',
      'pps/weba true',
    ],
    ['{{ regexFind "[a-z]+$" .path.path }} {{ regexSplit "/" .path.path -1 | len }}', 'web 2'],
    [
      '{{ add 1 2 }} {{ sub 5 .port }} {{ mul 2 3 }} {{ div 7 2 }} {{ mod 7 2 }} {{ max 1 9 3 }}',
      '3 -8075 6 3 1 9',
    ],
    ['{{ int .port }} {{ .port | int64 | add 1 }} {{ floor 1.7 }} {{ round 1.256 2 }}', '8080 8081 1 1.26'],
    [
      '{{ dict "a" 1 "b" .name | toJson }} {{ hasKey .labels "env" }} {{ get .labels "no" }}.',
      '{"a":1,"b":"Web"} true .',
    ],
    ['{{ dig "a" "b" "else" (dict "a" (dict "b" "deep")) }} {{ dig "x" "else" .labels }}', 'deep else'],
    ['{{ merge (dict "env" "dev") .labels | toJson }}', '{"env":"dev","team":"shop"}'],
    ['{{ mergeOverwrite (dict "env" "dev") .labels | toJson }}', '{"env":"prod","team":"shop"}'],
    ['{{ omit .labels "env" | toYaml }} {{ keys .labels | join "," }}', 'team: shop env,team'],
    ['{{ (fromYaml "a: [1, 2]").a | len }} {{ (fromJson "{\\"b\\":true}").b }}', '2 true'],
    ['a:{{ dict "x" (list 1 2) | toYaml | nindent 2 }}', 'a:\n  x:\n  - 1\n  - 2'],
    ['{{ "abc" | b64enc }} {{ "YWJj" | b64dec }} {{ sha256sum "a" | trunc 8 }}', 'YWJj abc ca978112'],
    ['{{ semverCompare ">=1.2, <2" "v1.3.0" }} {{ semverCompare "^2" "1.9" }}', 'true false'],
    ['{{ base .path.path }} {{ dir .path.path }} {{ ext "a.yaml" }}', 'web apps .yaml'],
    [
      '{{ snakecase "FirstName" }} {{ kebabcase "HTTPServer" }} {{ camelcase "http_server" }} {{ title "a b" }}',
      'first_name http-server HttpServer A B',
    ],
    ['{{ until 3 | join "" }} {{ untilStep 1 7 3 | join "" }} {{ slice .tags 1 2 }}', '012 14 [a]'],
    ['{{ seq 3 }} {{ seq 2 4 }} {{ seq 0 2 5 }} {{ seq 3 1 }} {{ seq 5 1 0 }}.', '1 2 3 2 3 4 0 2 4 3 2 1 .'],
    [
      '{{ addf 0.1 0.2 }} {{ divf 1 4 }} {{ subf 3 .half }} {{ mulf 2 1.5 }} {{ maxf 1 2.5 }} {{ toDecimal "777" }}',
      '0.3 0.25 2.5 3 2.5 511',
    ],
    [
      '{{ mustFirst .tags }} {{ .labels | mustToJson }} {{ mustRegexMatch "^W" .name }} {{ osBase .path.path }}',
      'b {"env":"prod","team":"shop"} true web',
    ],
    [
      '{{ (urlParse "https://u:p@git.corp.io:8443/a%20b/c?x=1#top").hostname }}{{ (urlParse "https://h/a%20b").path }}',
      'git.corp.io/a b',
    ],
    [
      '{{ urlJoin (dict "scheme" "https" "host" "h" "path" "/a b" "query" "x=1") }} {{ (urlParse "mailto:a@b").opaque }}',
      'https://h/a%20b?x=1 a@b',
    ],
    ['{{ normalize "Feat/My_App." }}', 'feat-my-app'],
    [
      '{{ slugify "feat/a_really+long_pull_request_name_to_test_argo_slugification_and" }}',
      'feat-a-really-long-pull-request-name-to-test-argo',
    ],
    [
      '{{ slugify 50 false "feat/areallylongpullrequestnametotestargoslugificationandbranch" }}',
      'feat-areallylongpullrequestnametotestargoslugifica',
    ],
    ['{{ slugify 50 true "feat/areallylongpullrequestnametotestargoslugificationandbranch" }}', 'feat'],
  ])('has the functions of sprig: %s', (template, wanted) => {
    expect(renderTemplate(template, DATA)).toBe(wanted);
  });

  it.each([
    ['{{.gone}}', 'map has no entry for key "gone"'],
    ['{{.path.gone.deeper}}', 'map has no entry for key "gone"'],
  ])('refuses a missing key where that is asked for: %s', (template, text) => {
    expect(() => renderTemplate(template, DATA, 'error')).toThrow(text);
  });

  it.each([
    ['{{ now }}', 'function "now" not defined'],
    ['{{ randAlpha 5 }}', 'function "randAlpha" not defined'],
    ['{{ constructor }}', 'function "constructor" not defined'],
    ['{{ define "a" }}{{ end }}', 'not supported'],
    ['{{ template "a" }}', 'not supported'],
    ['{{ .name', 'unclosed action'],
    ['{{ if .on }}a', 'has no {{end}}'],
    ['{{ end }}', 'unexpected {{end}}'],
    ['{{ $x }}', 'undefined variable'],
    ['{{ eq .port 8080 }}', 'incompatible types for comparison'],
    ['{{ upper .port }}', 'expected string; got float64'],
    ['{{ .name.x }}', "can't evaluate field x in type string"],
    ['{{ fail "no" }}', 'no'],
    ['{{ .name "x" }}', "can't give argument to non-function"],
    ['{{ break }}', 'outside'],
    ['{{ regexMatch "(a+)+" .name }}', 'repeats'],
    ['{{ snakecase "http2xx" }}', 'digits'],
  ])('refuses what it cannot render rightly: %s', (template, text) => {
    expect(() => renderTemplate(template, DATA)).toThrow(text);
  });

  it('cannot change what the next template sees', () => {
    renderTemplate('{{ $_ := set .labels "env" "changed" }}{{ .labels.env }}', DATA);
    expect(renderTemplate('{{ .labels.env }}', DATA)).toBe('prod');
  });
});

it('leaves what a plain template does not know as it is', () => {
  const params = { 'path.basename': 'web', port: 1 };
  expect(fastTemplate('{{ path.basename }}-{{other}}-{{port}}-{{}}', params)).toBe(
    'web-{{other}}-{{port}}-{{}}',
  );
});
