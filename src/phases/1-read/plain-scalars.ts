/**
 * The value of a plain scalar of YAML, one without quotes, as Kubernetes' tools read it: by the rules of YAML 1.1, with
 * which `0120` is 80 and `yes` is true, but with neither times nor numbers in base 60, which stay strings.
 *
 * Source: resolve.go of go.yaml.in/yaml/v2, which sigs.k8s.io/yaml calls.
 */
export function resolvePlain(source: string): unknown {
  const word = source.length <= longestWord ? words.get(source) : undefined;
  if (word !== undefined) {
    return word.value;
  }
  const first = source.charCodeAt(0);
  // Strings that are certainly no number are by far the most.
  return isDigit(first) || first === plus || first === minus || first === dot ? readNumber(source) : source;
}

const [plus, minus, dot, zero, nine] = [0x2b, 0x2d, 0x2e, 0x30, 0x39];

function isDigit(code: number): boolean {
  return code >= zero && code <= nine;
}

const words = new Map<string, { readonly value: unknown }>(
  (
    [
      [true, 'y Y yes Yes YES true True TRUE on On ON'],
      [false, 'n N no No NO false False FALSE off Off OFF'],
      [null, '~ null Null NULL'],
      [Number.NaN, '.nan .NaN .NAN'],
      [Number.POSITIVE_INFINITY, '.inf .Inf .INF +.inf +.Inf +.INF'],
      [Number.NEGATIVE_INFINITY, '-.inf -.Inf -.INF'],
    ] as const
  ).flatMap(([value, names]) => names.split(' ').map((name) => [name, { value }] as const)),
);
words.set('', { value: null });

const longestWord = 5;

function readNumber(source: string): unknown {
  // After a decimal point in front, Go itself reads the number, and has underscores between digits only.
  const plain = source.replaceAll(source.charCodeAt(0) === dot ? /(?<=\d)_(?=\d)/g : '_', '');
  const [, sign = '', digits] = /^([-+]?)(0[xX][\da-fA-F]+|0[bB][01]+|0[oO]?[0-7]+)$/.exec(plain) ?? [];
  const integer = digits === undefined ? undefined : readDigits(sign, digits);
  if (integer !== undefined) {
    return integer;
  }
  const decimal = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/.test(plain) ? Number(plain) : Number.NaN;
  if (!Number.isFinite(decimal)) {
    return source;
  }
  // Go's integers have no -0.
  return plain === '-0' ? 0 : decimal;
}

/** More digits, with leading zeros, than any number in 64 bits has: its bits, its prefix, and some zeros. */
const longestDigits = 80;

/** The value of digits that begin with 0, in Go's int64 or, without a sign, uint64; undefined for one that is larger. */
function readDigits(sign: string, digits: string): number | undefined {
  if (digits.length > longestDigits) {
    return undefined;
  }
  const magnitude = BigInt(/^0\d/.test(digits) ? `0o${digits}` : digits);
  const signed = sign === '-' ? -magnitude : magnitude;
  const fits = sign === '' ? BigInt.asUintN(64, signed) === signed : BigInt.asIntN(64, signed) === signed;
  return fits ? Number(signed) : undefined;
}
