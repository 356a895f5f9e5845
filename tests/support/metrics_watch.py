#!/usr/bin/env python3
"""Scrapes /metrics of a handle-streams while it works, and checks each scrape.

    metrics_watch.py ADDRESS PID [SECONDS]

Until the process ends: the text is well formed (a TYPE before every sample, no
sample twice, histograms cumulative), no counter ever falls, and what was
consumed has gone somewhere: the outcomes and what is in flight add up.  Prints
the last scrape's figures; exits 1 with the first thing that is wrong.
"""
import os
import re
import sys
import time
import urllib.request

LABEL = r'[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(r'([a-zA-Z_:][\w:]*)(\{(?:%s(?:,%s)*)?\})? (\S+)$' % (LABEL, LABEL))


def parse(text):
    types, samples = {}, {}
    assert text.endswith('\n'), 'no line end at the end'
    for line in text.splitlines():
        if line.startswith('# HELP '):
            continue
        if line.startswith('# TYPE '):
            _, _, name, kind = line.split(' ')
            assert name not in types, f'{name} opened twice'
            assert kind in ('counter', 'gauge', 'histogram'), line
            types[name] = kind
            continue
        match = SAMPLE.match(line)
        assert match, f'not a sample: {line}'
        name, labels, value = match.groups()
        family = re.sub(r'_(bucket|sum|count)$', '', name)
        family = family if types.get(family) == 'histogram' else name
        assert family in types, f'{name} has no TYPE'
        key = name + (labels or '')
        assert key not in samples, f'{key} twice'
        samples[key] = float(value)
        if types[family] == 'counter':
            assert name.endswith('_total'), f'counter {name}'
    return types, samples


def check_histogram(samples, name):
    buckets = [(float(re.search('le="([^"]*)"', k).group(1).replace('+Inf', 'inf')), v)
               for k, v in samples.items() if k.startswith(name + '_bucket')]
    assert buckets == sorted(buckets), f'{name}: out of order'
    counts = [v for _, v in buckets]
    assert counts == sorted(counts), f'{name}: not cumulative'
    assert counts[-1] == samples[name + '_count'], f'{name}: +Inf is not the count'


def check_sum(samples):
    outcomes = {re.search('outcome="([^"]*)"', k).group(1): v for k, v in samples.items()
                if k.startswith('handle_streams_messages_total')}
    consumed = samples['handle_streams_messages_consumed_total']
    flight = samples['handle_streams_messages_in_flight']
    assert consumed == sum(outcomes.values()) + flight, \
        f'consumed {consumed:.0f} is not {outcomes} and {flight:.0f} in flight'
    return consumed, outcomes, flight


def main():
    address, pid = sys.argv[1], int(sys.argv[2])
    deadline = time.monotonic() + float(sys.argv[3] if len(sys.argv) > 3 else 60)
    before, scrapes, busy = {}, 0, 0
    while os.path.exists(f'/proc/{pid}') and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f'http://{address}/metrics', timeout=60) as answer:
                text = answer.read().decode()
        except OSError:
            time.sleep(0.02)
            continue
        types, samples = parse(text)
        for key, value in before.items():
            if types.get(key.split('{')[0]) == 'counter':
                assert samples.get(key, 0) >= value, f'{key} fell from {value} to {samples.get(key)}'
        check_histogram(samples, 'handle_streams_flush_duration_seconds')
        consumed, outcomes, flight = check_sum(samples)
        before, scrapes, busy = samples, scrapes + 1, busy + (flight > 0)
        time.sleep(0.01)
    assert scrapes, 'never answered'
    print(f'scrapes={scrapes} with_records_in_flight={busy} consumed={consumed:.0f} ' +
          ' '.join(f'{k}={v:.0f}' for k, v in outcomes.items()) + f' in_flight={flight:.0f}')


try:
    main()
except AssertionError as wrong:
    sys.exit(f'metrics_watch: {wrong}')
