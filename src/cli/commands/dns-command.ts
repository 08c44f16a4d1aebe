import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { parseBindAddress } from '../../config/bind-address.ts';
import { createAnswerQuery } from '../../dns/answer-query.ts';
import { isHostName } from '../../dns/dns-names.ts';
import { type DnsRecord, listDnsRecords } from '../../dns/dns-records.ts';
import { printZones, recordData, type Zone, type ZoneOptions } from '../../dns/print-zones.ts';
import { countOf, escapeControls, joinLines } from '../../lib/text.ts';
import { describeValue, isMapping, type Mapping } from '../../lib/unknown-values.ts';
import { endpointText } from '../../net/network.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { addLiveOptions, type ClusterFlags } from '../flags/cluster-flags.ts';
import { addFileOptions, checkedText, inputPaths } from '../flags/compile-flags.ts';
import { formatOption } from '../flags/general-flags.ts';
import { addResolveChoice, type OptionalResolveFlags } from '../flags/resolve-flags.ts';
import { namespaceProblem } from '../flags/service-filters.ts';
import { noteServices } from '../input/load-cluster.ts';
import { loadObjects } from '../input/load-objects.ts';
import { interruptionOfProcess } from '../input/watch-files.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { writeOutput } from '../output/write-output.ts';

const examples = `
  svc2nft dns dump.yaml                              every name, and what it stands for
  svc2nft dns --live -o json | jq '.records[] | select(.type == "SRV")'
  svc2nft dns dump.yaml -o zone > cluster.local.zone
  svc2nft dns dump.yaml --zones zones && (cd zones && named -g -c named.conf)
  svc2nft dns dump.yaml --zones zones && (cd zones && coredns)
  svc2nft dns dump.yaml --serve 127.0.0.1:5353 --from shop   then: dig @127.0.0.1 -p 5353 web
`;

const notes = `
The records are those of the specification of Kubernetes DNS, with what CoreDNS does where that leaves a choice: A and AAAA of Services, of endpoints of
headless Services and of their hostnames, SRV for named ports, PTR, CNAME for ExternalName. An endpoint without a hostname has its address with dashes.
Of headless Services, only endpoints that are ready have records.

  table  a line for each record: its name, type and data
  zone   the zone of the domain as a master file (RFC 1035), which CoreDNS and BIND load
  json   {domain, ttl, records: [{name, type, ...}]}; address with A and AAAA, priority, weight, port and target with SRV, target with
         CNAME and PTR, text with TXT

--zones writes a file for each zone, the reverse ones too, and two that load them all: named.conf for BIND, Corefile for CoreDNS. Other files
in the folder stay.

--serve answers queries over UDP and TCP until Ctrl+C, with the records as they were read at the start; it forwards nothing. With --from, names that are not
in the domain of the cluster are looked up below it, as for Pods of that namespace: web, web.shop, web.shop.svc.
`;

/** The flags of `svc2nft dns`. */
interface DnsFlags extends ClusterFlags, OptionalResolveFlags {
  readonly filename?: readonly string[];
  readonly domain: string;
  readonly ttl: number;
  readonly serial: number;
  readonly output: 'table' | 'json' | 'zone';
  readonly zones?: string;
  readonly serve?: string;
  readonly from?: string;
}

/** `svc2nft dns`: the records of Services. */
export function dnsCommand(context: Context, setExitCode: (code: number) => void): Command {
  const command = addResolveChoice(addLiveOptions(addFileOptions(new Command('dns'))))
    .description('Prints the DNS records of Services, as the DNS of a cluster has them.')
    .optionsGroup('Records:')
    .option('--domain <name>', 'the domain of the cluster', parseDomain, 'cluster.local')
    .option('--ttl <seconds>', 'how long answers may be kept', numberUpTo(604_800, 'seconds'), 5)
    .option('--serial <number>', 'the serial number of the zones', numberUpTo(0xffffffff, 'a zone'), 1)
    .optionsGroup('Output:')
    .addOption(formatOption('zone: a master file; json: for programs', ['table', 'json', 'zone']).default('table'))
    .option('--zones <dir>', 'write all zones to files in this folder, and print nothing')
    .addOption(
      new Option('--serve <address:port>', 'answer queries at this address, and print nothing')
        .argParser(checkedText(serveProblem))
        .conflicts('zones'),
    )
    .option(
      '--from <namespace>',
      'with --serve: find short names as Pods of this namespace do',
      checkedText(namespaceProblem),
    )
    .action(async (paths: string[], flags: DnsFlags) => {
      setExitCode(await runDns(inputPaths(paths, flags), flags, context));
    });
  return addHelpTexts(command, { notes, examples });
}

/** 53 needs a permission, and is mostly taken. */
const usualPort = 5353;

function serveProblem(text: string): string | undefined {
  return parseBindAddress(text, usualPort)?.address === undefined
    ? `${describeValue(text)} is not one address with a port, such as 127.0.0.1:${usualPort} or [::1]:${usualPort}`
    : undefined;
}

function parseDomain(text: string): string {
  const domain = text.toLowerCase().replace(/\.$/, '');
  // Names below it may be 180 characters longer: 63 each for Service and namespace, and a port and its protocol.
  if (!isHostName(domain) || domain.length > 64) {
    throw new InvalidArgumentError(`${describeValue(text)} is not the name of a domain of at most 64 characters`);
  }
  return domain;
}

function numberUpTo(most: number, what: string): (text: string) => number {
  return (text) => {
    const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (!(number <= most)) {
      throw new InvalidArgumentError(`${describeValue(text)} is not a number of ${what}, 0 to ${most}`);
    }
    return number;
  };
}

async function runDns(paths: readonly string[], flags: DnsFlags, context: Context): Promise<number> {
  const { domain, ttl, serial } = flags;
  const documents = await loadObjects(paths, flags, { needs: { headless: true }, context });
  if (typeof documents === 'number') {
    await noteServices(paths, context);
    return documents;
  }
  const objectsOf = (kind: string): Mapping[] =>
    documents.flatMap(({ value }) => (isMapping(value) && value['kind'] === kind ? [value] : []));
  const sources = { services: objectsOf('Service'), endpointSlices: objectsOf('EndpointSlice') };
  const records = listDnsRecords(sources, domain);
  if (sources.services.length === 0) {
    context.stderr.write('no Services, so there are no records of any\n');
  }
  const options = { domain, ttl, serial };
  if (flags.serve !== undefined) {
    return serve(records, { ...flags, ...options, serve: flags.serve }, context);
  }
  return flags.zones === undefined
    ? writeOutput(textOf(records, flags, options), undefined, context)
    : writeZones(printZones(records, options), flags.zones, context);
}

/** Answers queries until it is interrupted. */
async function serve(
  records: readonly DnsRecord[],
  { serve: place, from, ...options }: ZoneOptions & { readonly serve: string; readonly from?: string },
  { stderr, interruption }: Context,
): Promise<number> {
  const { serveDns } = await import('../../dns/serve-dns.ts');
  const { domain } = options;
  const { address = '', port } = parseBindAddress(place, usualPort) ?? { port: usualPort };
  const search = from === undefined ? [] : [`${from}.svc.${domain}`, `svc.${domain}`, domain];
  const signal = interruption ?? interruptionOfProcess();
  try {
    const server = await serveDns({
      ...options,
      address,
      port,
      answer: createAnswerQuery(records, { domain, search }),
    });
    stderr.write(
      `serving ${countOf(records.length, 'record')} at ${endpointText({ address, port: server.port })} until Ctrl+C\n`,
    );
    if (!signal.aborted) {
      await once(signal, 'abort');
    }
    server.close();
    return exitCodes.done;
  } catch (error) {
    stderr.write(
      `error: ${escapeControls(`cannot listen at ${place}: ${error instanceof Error ? error.message : String(error)}`)}\n`,
    );
    const isDenied = (error as NodeJS.ErrnoException).code === 'EACCES';
    return isDenied ? exitCodes.noPermission : exitCodes.wrongUsage;
  }
}

function textOf(records: readonly DnsRecord[], { output }: DnsFlags, options: ZoneOptions): string {
  switch (output) {
    case 'table':
      return tableOf(records);
    case 'json':
      return `${JSON.stringify({ domain: options.domain, ttl: options.ttl, records }, undefined, 2)}\n`;
    case 'zone':
      return printZones(records, options)[0]?.text ?? '';
  }
}

function tableOf(records: readonly DnsRecord[]): string {
  const width = Math.max(4, ...records.map(({ name }) => name.length));
  const line = (name: string, type: string, data: string): string =>
    `${name.padEnd(width)}  ${type.padEnd(5)}  ${data}`;
  return joinLines([
    line('NAME', 'TYPE', 'DATA'),
    ...records.map((record) => line(record.name, record.type, recordData(record))),
  ]);
}

/** One file for each zone, and the configuration of two servers. */
async function writeZones(zones: readonly Zone[], folder: string, context: Context): Promise<number> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    context.stderr.write(`error: ${escapeControls(`cannot make the folder ${folder}: ${String(error)}`)}\n`);
    return exitCodes.wrongUsage;
  }
  const files: readonly (readonly [string, string])[] = [
    ...zones.map(({ origin, text }) => [fileOf(origin), text] as const),
    [
      'named.conf',
      joinLines([
        'options { directory "."; };',
        ...zones.map(({ origin }) => `zone "${origin}" { type master; file "${fileOf(origin)}"; };`),
      ]),
    ],
    ['Corefile', joinLines(zones.flatMap(({ origin }) => [`${origin} {`, `    file ${fileOf(origin)}`, '}']))],
  ];
  for (const [name, text] of files) {
    const code = await writeOutput(text, join(folder, name), context);
    if (code !== exitCodes.done) {
      return code;
    }
  }
  context.stderr.write(`${countOf(zones.length, 'zone')} written to ${escapeControls(folder)}\n`);
  return exitCodes.done;
}

function fileOf(origin: string): string {
  return `${origin}.zone`;
}
