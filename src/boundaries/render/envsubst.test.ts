import { describe, expect, it } from 'vitest';
import { substituteVariables } from './envsubst.ts';

const VALUES: Readonly<Record<string, string>> = {
  env: 'prod',
  path: 'a/b/c',
  Name: 'Shop',
  empty: '',
  n: '5',
};
const run = (text: string, strict = false) => substituteVariables(text, (name) => VALUES[name], strict);

describe('the substitution of variables, as Flux does it', () => {
  it.each([
    ['${env}-$env-$', 'prod-$env-$'],
    ['$${env} $$ $$$${env}', '${env} $ $${env}'],
    ['${gone}.${gone:=x}.${gone:-y}.${gone=z}', '.x.y.z'],
    ['${env:=x}${empty:=filled}', 'prodfilled'],
    ['${gone:=${env}-${Name}}', 'prod-Shop'],
    ['${gone:="a: b"}', '"a: b"'],
    ['${#env} ${Name,} ${Name,,} ${env^} ${env^^}', '4 shop shop Prod PROD'],
    ['${env:1} ${env:1:2} ${env:-2} ${env:9}', 'rod ro prod '],
    ['${path/\\//-} ${path//\\//-} ${env/#pr/PR} ${env/%od/OD} ${env//o/}', 'a-b/c a-b-c PRod prOD prd'],
    ['${env#p*} ${env##p*} ${env%d} ${path%%c}', 'rod  pro a/b/'],
    ['a: ${n}', 'a: 5'],
  ])('%s', (text, wanted) => {
    expect(run(text)).toBe(wanted);
  });

  it.each([
    ['${env', 'missing closing brace'],
    ['${}', 'unable to parse variable name'],
    ['${env!x}', 'missing closing brace'],
    ['${gone}', 'variable not set (strict mode): "gone"'],
    ['${gone^^}', 'variable not set (strict mode): "gone"'],
  ])('refuses %s where it is strict', (text, wanted) => {
    expect(() => run(text, true)).toThrow(wanted);
  });

  it('lets defaults stand for what is missing, also where it is strict', () => {
    expect(run('${gone:=a}${gone:-b}', true)).toBe('ab');
  });
});
