"""Prometheus figures of the ingest stage. Counts are read where they are kept, when somebody asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from ingest.dead_letters import DeadLetters
from ingest.pipeline import Pipeline
from ingest.processor import Processor
from ingest.timings import Timing
from ingest.uplink_log import UplinkLog

PREFIX = "mjosa_ingest_"


class Receiving(Protocol):
    """The subscriber's side of the figures."""

    received: int
    acknowledged: int
    fault: str | None


class IngestCollector(Collector):
    """Register it in a CollectorRegistry; `subscriber` is None in a process that does not listen to the broker."""

    def __init__(
        self, processor: Processor, pipeline: Pipeline, log: UplinkLog, dead_letters: DeadLetters, subscriber: Receiving | None = None
    ) -> None:
        self._processor, self._pipeline, self._log, self._dead, self._subscriber = processor, pipeline, log, dead_letters, subscriber

    def collect(self) -> Iterator[Metric]:
        processor, pipeline, subscriber, size = self._processor, self._pipeline, self._subscriber, self._log.size()
        counters: Mapping[str, tuple[str, float]] = {
            "messages_processed": ("Messages of the uplink log that are processed", processor.processed),
            "readings_new": ("Readings stored for the first time", pipeline.readings_new),
            "readings_changed": ("Readings stored with another value or flag than before", pipeline.readings_changed),
            "duplicates": ("Frames that had been stored already", pipeline.duplicates),
        }
        gauges: Mapping[str, tuple[str, float]] = {
            "dead_letters": ("Messages that could not be processed and wait for a replay", self._dead.count()),
            "backlog_messages": ("Messages in the uplink log that are not processed", processor.backlog),
            "lag_seconds": ("Age of the oldest message that is not processed", processor.lag_s()),
            "store_up": ("1 while the time-series store takes readings", float(processor.fault is None)),
            "uplink_log_bytes": ("Size of the uplink log on disk", size["bytes"]),
            "uplink_log_messages": ("Messages in the uplink log", size["messages"]),
        }
        if subscriber is not None:
            counters = {
                **counters,
                "messages_received": ("Messages the broker handed over", subscriber.received),
                "messages_acknowledged": ("Messages acknowledged after they were durable", subscriber.acknowledged),
            }
            gauges = {**gauges, "broker_up": ("1 while the broker can be followed", float(subscriber.fault is None))}
        for name, (text, value) in counters.items():
            yield CounterMetricFamily(PREFIX + name, text, value=value)
        for name, (text, value) in gauges.items():
            yield GaugeMetricFamily(PREFIX + name, text, value=value)
        yield _histogram("batch_seconds", "Time from a batch's bytes to its readings stored", processor.batch_s)
        yield _histogram("append_seconds", "Time to make a batch durable in the uplink log", processor.append_s)


def _histogram(name: str, text: str, timing: Timing) -> Metric:
    return HistogramMetricFamily(PREFIX + name, text, buckets=timing.cumulative(), sum_value=timing.total_s)
