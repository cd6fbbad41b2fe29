"""Uses only the stock Fluvio client, like a program that is not part of this project.

usage: ADDRESS round-trip | ADDRESS count TOPIC
"""
import sys

from fluvio import (Compression, ConsumerConfig, Fluvio, FluvioAdmin, FluvioConfig, Offset,
                    TopicProducerConfigBuilder)

RECORDS = 10_000


def read_all(client, topic):
    config = ConsumerConfig()
    config.disable_continuous()
    consumer = client.partition_consumer(topic, 0)
    return [(bytes(record.key()), bytes(record.value()))
            for record in consumer.stream_with_config(Offset.beginning(), config)]


def round_trip(config, name, compression):
    topic = "python-" + name
    admin = FluvioAdmin.connect_with_config(config)
    admin.create_topic(topic)
    assert any(found.name() == topic for found in admin.list_topics([topic]))
    client = Fluvio.connect_with_config(config)
    settings = TopicProducerConfigBuilder().compression(compression).build()
    producer = client.topic_producer_with_config(topic, settings)
    sent = [(b"key %d" % number, b"value %d" % number * 9) for number in range(RECORDS)]
    for start in range(0, RECORDS, 500):
        producer.send_all(sent[start:start + 500])
    producer.flush()
    found = read_all(client, topic)
    assert found == sent, f"{name}: {len(found)} of {RECORDS} records came back"
    admin.delete_topic(topic)
    print(f"{name}: {len(found)}")


def main():
    config = FluvioConfig.new(sys.argv[1])
    config.disable_tls()
    if sys.argv[2] == "count":
        print(len(read_all(Fluvio.connect_with_config(config), sys.argv[3])))
    else:
        round_trip(config, "none", Compression.None_)
        round_trip(config, "gzip", Compression.Gzip)
        round_trip(config, "lz4", Compression.Lz4)
        round_trip(config, "snappy", Compression.Snappy)
        round_trip(config, "zstd", Compression.Zstd)


main()
