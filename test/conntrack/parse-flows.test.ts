import { describe, expect, it } from 'vitest';
import { createFlowReader, parseFlows } from '../../src/conntrack/stale-flows.ts';

const plain =
  'udp      17 29 src=10.244.1.5 dst=10.96.0.10 sport=4000 dport=53 src=10.244.2.7 dst=10.244.1.5 sport=5353 dport=4000 mark=0 use=1';

const plainFlow = {
  originalDestination: { address: '10.96.0.10', port: 53 },
  replySource: { address: '10.244.2.7', port: 5353 },
};

describe('parseFlows', () => {
  it('reads both directions of a line', () => {
    expect(parseFlows(`${plain}\n`)).toEqual([plainFlow]);
  });

  it.each([
    ['without an answer', plain.replace(' src=10.244.2.7', ' [UNREPLIED] src=10.244.2.7')],
    ['assured', plain.replace(' mark=0', ' [ASSURED] mark=0')],
    ['in a flowtable, without a timeout', plain.replace('17 29 ', '17 ').replace(' mark=0', ' [OFFLOAD] mark=0')],
    ['in a flowtable of the hardware', plain.replace(' mark=0', ' [HW_OFFLOAD] mark=0')],
    [
      'counted',
      plain.replace('dport=53', 'dport=53 packets=1 bytes=56').replace('dport=4000', 'dport=4000 packets=2 bytes=128'),
    ],
    ['in a zone', plain.replace(' use=1', ' zone=7 use=1')],
    ['in a zone of one direction', plain.replace('dport=53', 'dport=53 zone-orig=3')],
    ['in a zone of the other direction', plain.replace('dport=4000', 'dport=4000 zone-reply=3')],
    [
      'with a security context and labels',
      plain.replace(' use=1', ' secctx=system_u:object_r:x:s0 use=1 labels=src=a,dst=b'),
    ],
    ['extended, with an id', `ipv4     2 ${plain} id=1720915221`],
    ['without mark and use', plain.replace(' mark=0 use=1', '')],
    ['with unknown words', plain.replace('src=10.244.2.7', '[NEW_FLAG] color=red src=10.244.2.7')],
    ['with a carriage return', `${plain}\r`],
  ])('reads a flow that is %s', (_, line) => {
    expect(line).not.toBe(plain);
    expect(parseFlows(line)).toEqual([plainFlow]);
  });

  it.each([
    ['a destination', 'dport=53', 'dport=65535', 65_535, 5353],
    ['an answering address', 'sport=5353', 'sport=65535', 53, 65_535],
    ['a destination, the lowest', 'dport=53', 'dport=1', 1, 5353],
    ['an answering address, the lowest', 'sport=5353', 'sport=1', 53, 1],
  ])('reads the ports at the ends of their range: of %s', (_, port, edge, destinationPort, sourcePort) => {
    expect(parseFlows(plain.replace(port, edge))).toEqual([
      {
        originalDestination: { ...plainFlow.originalDestination, port: destinationPort },
        replySource: { ...plainFlow.replySource, port: sourcePort },
      },
    ]);
  });

  it('gives IPv6 addresses their canonical text, whichever way they are printed', () => {
    const line =
      'udp      17 29 src=fd00:10:244:1:0:0:0:5 dst=fd00:0010:0096:0000:0000:0000:0000:000a sport=4000 dport=53 [UNREPLIED] src=FD00:10:244:2::7 dst=fd00:10:244:1::5 sport=5353 dport=4000 mark=0 use=1';
    expect(parseFlows(`${line}\nipv6     10 ${line}`)).toEqual([
      {
        originalDestination: { address: 'fd00:10:96::a', port: 53 },
        replySource: { address: 'fd00:10:244:2::7', port: 5353 },
      },
      {
        originalDestination: { address: 'fd00:10:96::a', port: 53 },
        replySource: { address: 'fd00:10:244:2::7', port: 5353 },
      },
    ]);
  });

  it('keeps the order of the lines, and takes the last one without its end', () => {
    const second = plain.replace('dport=53', 'dport=54');
    expect(parseFlows(`${plain}\n${second}`).map(({ originalDestination }) => originalDestination.port)).toEqual([
      53, 54,
    ]);
  });

  it.each([
    ['empty', ''],
    ['the summary', 'conntrack v1.4.7 (conntrack-tools): 1 flow entries have been shown.'],
    ['TCP', plain.replace('udp      17 29', 'tcp      6 299 ESTABLISHED')],
    ['SCTP', plain.replace('udp      17', 'sctp     132')],
    ['UDP-Lite', plain.replace('udp      17', 'udplite  136')],
    ['an unknown protocol that speaks of UDP', plain.replace('udp ', 'unknown 99 udp ')],
    ['an event', `[DESTROY] ${plain}`],
    ['cut off in the reply', plain.slice(0, plain.indexOf(' dst=10.244.1.5'))],
    ['of one direction only', plain.slice(0, plain.indexOf(' src=10.244.2.7'))],
    ['without ports', plain.replaceAll(/ [sd]port=\d+/g, '')],
    ['a port that is none', plain.replace('dport=53', 'dport=65536')],
    ['an answering port that is none', plain.replace('sport=5353', 'sport=65536')],
    ['a port with letters', plain.replace('dport=53', 'dport=53x')],
    ['an address that is none', plain.replace('dst=10.96.0.10', 'dst=10.96.0')],
    ['an answering address that is none', plain.replace('src=10.244.2.7', 'src=<BUG>')],
    ['an IPv4 address inside an IPv6 one', plain.replace('dst=10.96.0.10', 'dst=::ffff:10.96.0.10')],
  ])('leaves out what is not a UDP flow: %s', (_, line) => {
    expect(parseFlows(`${line}\n${plain}\n`)).toEqual([plainFlow]);
  });

  it('takes a hostile line in its stride', () => {
    expect(parseFlows(`udp 17 ${' src=1.1.1.1 dst=1.1.1.1 sport=1 '.repeat(2_000)}`)).toEqual([]);
  });
});

describe('createFlowReader', () => {
  it.each([1, 7, 100, 5_000])('reads what comes in pieces of %i bytes', (size) => {
    const long = `udp 17 ${'x'.repeat(4_000)} ${plain}`;
    const bytes = new TextEncoder().encode(`${plain}\n${long}\n\n${plain}\n${long}${plain}`);
    const flows: unknown[] = [];
    const reader = createFlowReader((flow) => flows.push(flow));
    for (let start = 0; start < bytes.length; start += size) {
      reader.push(bytes.subarray(start, start + size));
    }
    reader.end();
    expect(flows).toEqual([plainFlow, plainFlow]);
  });
});
