import {
  describePath,
  describeValue,
  isMapping,
  listIn,
  type Mapping,
  mappingIn,
  type Path,
} from '../lib/unknown-values.ts';
import { canonicalAddress } from '../net/address.ts';
import {
  checkHost,
  checkMetadata,
  checkName,
  dnsLabel,
  dnsSubdomain,
  familyOfStrict,
  labelValue,
  type NameRule,
  qualifiedName,
  type Refuse,
} from './api-values.ts';

/** How many an API server accepts. */
const most = { endpoints: 1_000, addresses: 100, ports: 20_000, hints: 8 } as const;

/**
 * Reports what an API server refuses when an EndpointSlice is created (ValidateEndpointSlice of Kubernetes 1.37), apart from
 * types of fields. Null stands for an absent value, in lists for an empty one.
 */
export function checkSliceManifest(slice: Mapping, refuse: Refuse): void {
  const metadata = mappingIn(slice, 'metadata');
  checkMetadata(metadata, refuse);
  checkName(metadata['name'] ?? '', dnsSubdomain, ['metadata', 'name'], refuse);
  checkWord(slice['addressType'] ?? '', ['IPv4', 'IPv6', 'FQDN'], ['addressType'], refuse);
  checkPorts(listIn(slice, 'ports'), refuse);
  const endpoints = listIn(slice, 'endpoints');
  if (isWithin(endpoints, most.endpoints, ['endpoints'], refuse)) {
    for (const [index, endpoint] of endpoints.entries()) {
      checkEndpoint(isMapping(endpoint) ? endpoint : {}, slice['addressType'], ['endpoints', index], refuse);
    }
  }
}

function checkWord(value: unknown, words: readonly string[], path: Path, refuse: Refuse): void {
  if (!words.some((word) => word === value)) {
    refuse(path, `${describePath(path)} is ${describeValue(value)}; possible values are ${words.join(', ')}`);
  }
}

/** Whether a list is not too long, which is reported. */
function isWithin(list: readonly unknown[], limit: number, path: Path, refuse: Refuse): boolean {
  const count = list.length;
  if (count > limit) {
    const counts = [count, limit].map((number) => number.toLocaleString('en'));
    refuse(path, `${describePath(path)} has ${counts[0]} entries, more than ${counts[1]}`);
  }
  return count <= limit;
}

function checkPorts(ports: readonly unknown[], refuse: Refuse): void {
  if (!isWithin(ports, most.ports, ['ports'], refuse)) {
    return;
  }
  const names = new Map<unknown, number>();
  for (const [index, port] of ports.entries()) {
    const { name, protocol, appProtocol } = isMapping(port) ? port : {};
    const path = ['ports', index];
    checkName(name || undefined, dnsLabel, [...path, 'name'], refuse);
    const other = names.get(name ?? '');
    if (other !== undefined) {
      const what = name ? `the name ${describeValue(name)}` : 'no name';
      refuse([...path, 'name'], `ports[${index}] has ${what}, as ports[${other}]; each needs its own`);
    }
    names.set(name ?? '', other ?? index);
    checkWord(protocol ?? 'TCP', ['TCP', 'UDP', 'SCTP'], [...path, 'protocol'], refuse);
    checkName(appProtocol, qualifiedName, [...path, 'appProtocol'], refuse);
  }
}

function checkEndpoint(endpoint: Mapping, addressType: unknown, path: Path, refuse: Refuse): void {
  const addresses = listIn(endpoint, 'addresses');
  const at = [...path, 'addresses'];
  if (addresses.length === 0) {
    refuse(at, `${describePath(path)} has no address`);
  }
  isWithin(addresses, most.addresses, at, refuse);
  for (const [index, address] of addresses.entries()) {
    checkAddress(address ?? '', addressType, [...at, index], refuse);
  }
  checkName(endpoint['nodeName'], dnsSubdomain, [...path, 'nodeName'], refuse);
  checkName(endpoint['hostname'], dnsLabel, [...path, 'hostname'], refuse);
  const hints = mappingIn(endpoint, 'hints');
  const hintsPath = [...path, 'hints'];
  if (checkHints(listIn(hints, 'forZones'), labelValue, [...hintsPath, 'forZones'], refuse)) {
    checkHints(listIn(hints, 'forNodes'), dnsSubdomain, [...hintsPath, 'forNodes'], refuse);
  }
}

function checkAddress(text: unknown, addressType: unknown, path: Path, refuse: Refuse): void {
  const found = `${describePath(path)} is ${describeValue(text)}`;
  if (addressType === 'FQDN') {
    if (!isDomainName(String(text))) {
      refuse(path, `${found}; expected a DNS name with a dot, such as db.example.com`);
    }
    return;
  }
  if (addressType !== 'IPv4' && addressType !== 'IPv6') {
    // What the addresses should be is not known.
    return;
  }
  const canonical = canonicalAddress(String(text));
  if (familyOfStrict(text) !== addressType) {
    refuse(path, `${found}; expected an ${addressType} address`);
  } else if (addressType === 'IPv6' && canonical !== text) {
    refuse(path, `${found}; expected it in its canonical form, ${canonical}`);
  } else {
    checkHost(text, path, refuse);
  }
}

/** IsFullyQualifiedDomainName: a final dot may be there, and each label has at most 63 characters. */
function isDomainName(text: string): boolean {
  const name = text.replace(/\.$/, '');
  const labels = name.split('.');
  return dnsSubdomain.isValid(name) && labels.length > 1 && labels.every((label) => dnsLabel.isValid(label));
}

/** Returns whether there are not too many. */
function checkHints(hints: readonly unknown[], rule: NameRule, path: Path, refuse: Refuse): boolean {
  if (!isWithin(hints, most.hints, path, refuse)) {
    return false;
  }
  const names = new Map<unknown, number>();
  for (const [index, hint] of hints.entries()) {
    const name = (isMapping(hint) ? hint['name'] : undefined) ?? '';
    const at = [...path, index, 'name'];
    const other = names.get(name);
    if (other !== undefined) {
      refuse(at, `${describePath(at)} is ${describeValue(name)}, as that of [${other}]`);
    }
    names.set(name, other ?? index);
    checkName(name, rule, at, refuse);
  }
  return true;
}
