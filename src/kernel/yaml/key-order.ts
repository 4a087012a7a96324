const letter = /\p{L}/u;

function isLetter(point: number): boolean {
  if (point < 128) return (point >= 65 && point <= 90) || (point >= 97 && point <= 122);
  return letter.test(String.fromCodePoint(point));
}

function isDigit(point: number): boolean {
  return point >= 48 && point <= 57;
}

/**
 * The order of keys that kubectl and kustomize print: letters after everything else, runs of digits by their
 * number. Source: keyList.Less in sorter.go of goyaml.v2.
 */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  if (i === length) return a.length - b.length;
  let [left, right] = [a.charCodeAt(i), b.charCodeAt(i)];
  // Inside of a surrogate pair the whole character decides.
  if (left >= 0xd800 && right >= 0xd800) {
    if (i > 0 && isHighSurrogate(a.charCodeAt(i - 1))) i--;
    left = a.codePointAt(i) ?? left;
    right = b.codePointAt(i) ?? right;
  }
  const [leftLetter, rightLetter] = [isLetter(left), isLetter(right)];
  if (leftLetter && rightLetter) return left - right;
  if (leftLetter || rightLetter) return rightLetter ? -1 : 1;
  let leftNumber = 0n;
  let rightNumber = 0n;
  if (left === 48 || right === 48) {
    for (let j = i - 1; j >= 0 && isDigit(a.charCodeAt(j)); j--) {
      if (a.charCodeAt(j) !== 48) {
        leftNumber = 1n;
        rightNumber = 1n;
        break;
      }
    }
  }
  let leftEnd = i;
  for (; leftEnd < a.length && isDigit(a.charCodeAt(leftEnd)); leftEnd++) {
    leftNumber = BigInt.asIntN(64, leftNumber * 10n + BigInt(a.charCodeAt(leftEnd) - 48));
  }
  let rightEnd = i;
  for (; rightEnd < b.length && isDigit(b.charCodeAt(rightEnd)); rightEnd++) {
    rightNumber = BigInt.asIntN(64, rightNumber * 10n + BigInt(b.charCodeAt(rightEnd) - 48));
  }
  if (leftNumber !== rightNumber) return leftNumber < rightNumber ? -1 : 1;
  if (leftEnd !== rightEnd) return leftEnd - rightEnd;
  return left - right;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
