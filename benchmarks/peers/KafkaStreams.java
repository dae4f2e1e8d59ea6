import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * Kafka Streams on the votes of scrutin, with fewer rules: first vote, same again, or changed.
 *
 * <p>Processor API, no repartition, two logged stores: voter and proposal to choice, proposal to
 * three counts. Avro is read and written by hand, cheaper than any library: an upper bound of what
 * such a service does. One decision a vote, in the partition of its vote, in one transaction with
 * the stores and the committed offsets.
 *
 * <p>Arguments: bootstrap, application id, source topic, sink topic, state folder.
 */
public final class KafkaStreams {
  static final int COUNTED = 0;
  static final int UNCHANGED = 1;
  static final int CHANGED = 2;
  static final int HEADER_BYTES = 5;
  static final int IDENTIFIER_BYTES = 16;
  static final int VOTE_CAST = 1;
  static final int VOTE_CAST_2 = 10;

  private KafkaStreams() {}

  static final class Decide implements Processor<byte[], byte[], byte[], byte[]> {
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<byte[], byte[]> choices;
    private KeyValueStore<byte[], byte[]> tallies;
    private int at;

    @Override
    public void init(ProcessorContext<byte[], byte[]> given) {
      context = given;
      choices = given.getStateStore("choices");
      tallies = given.getStateStore("tallies");
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      byte[] value = record.value();
      if (value[4] != VOTE_CAST && value[4] != VOTE_CAST_2) {
        return; // The rules adopted at the beginning of a partition.
      }
      int voterAt = HEADER_BYTES + IDENTIFIER_BYTES;
      at = voterAt + 2 * IDENTIFIER_BYTES;
      int choice = (int) number(value);
      number(value); // trust
      number(value); // origin
      if (value[4] == VOTE_CAST_2) {
        at += 2; // shown, pause
      }
      int consultationBytes = (int) number(value);
      at += consultationBytes;
      int size = (int) number(value);
      byte[] proposal = Arrays.copyOfRange(value, at, at + size);
      byte[] key = new byte[IDENTIFIER_BYTES + size];
      System.arraycopy(value, voterAt, key, 0, IDENTIFIER_BYTES);
      System.arraycopy(value, at, key, IDENTIFIER_BYTES, size);
      byte[] held = choices.get(key);
      int before = held == null ? -1 : held[0];
      int outcome = before < 0 ? COUNTED : before == choice ? UNCHANGED : CHANGED;
      if (outcome != UNCHANGED) {
        choices.put(key, new byte[] {(byte) choice});
        count(proposal, before, choice);
      }
      long offset = context.recordMetadata().get().offset();
      byte[] partition = {(byte) context.recordMetadata().get().partition()};
      context.forward(new Record<>(
          partition, decision(offset, outcome, proposal, choice, before), record.timestamp()));
    }

    private void count(byte[] proposal, int before, int choice) {
      byte[] row = tallies.get(proposal);
      row = row == null ? new byte[24] : row.clone();
      if (before >= 0) {
        add(row, before, -1);
      }
      add(row, choice, 1);
      tallies.put(proposal, row);
    }

    private long number(byte[] bytes) {
      long found = 0;
      int shift = 0;
      for (;;) {
        byte next = bytes[at++];
        found |= (long) (next & 0x7F) << shift;
        if (next >= 0) {
          return (found >>> 1) ^ -(found & 1);
        }
        shift += 7;
      }
    }

    private static void add(byte[] row, int choice, long more) {
      int place = choice * 8;
      long count = 0;
      for (int i = 0; i < 8; i++) {
        count = count << 8 | (row[place + i] & 0xFF);
      }
      count += more;
      for (int i = 7; i >= 0; i--) {
        row[place + i] = (byte) count;
        count >>= 8;
      }
    }

    private static byte[] decision(
        long offset, int outcome, byte[] proposal, int choice, int before) {
      byte[] bytes = new byte[HEADER_BYTES + 10 + 4 + proposal.length + 2];
      bytes[4] = 2;
      int place = HEADER_BYTES;
      long left = offset << 1;
      while (left > 0x7F) {
        bytes[place++] = (byte) (left | 0x80);
        left >>>= 7;
      }
      bytes[place++] = (byte) left;
      bytes[place++] = (byte) (outcome << 1);
      bytes[place++] = (byte) (proposal.length << 1);
      System.arraycopy(proposal, 0, bytes, place, proposal.length);
      place += proposal.length;
      bytes[place++] = (byte) (choice << 1);
      bytes[place++] = (byte) (before < 0 ? 0 : 2);
      if (before >= 0) {
        bytes[place++] = (byte) (before << 1);
      }
      return Arrays.copyOf(bytes, place);
    }
  }

  static StoreBuilder<KeyValueStore<byte[], byte[]>> store(String name, boolean cached) {
    KeyValueBytesStoreSupplier supplier = Stores.persistentKeyValueStore(name);
    var builder = Stores.keyValueStoreBuilder(supplier, Serdes.ByteArray(), Serdes.ByteArray());
    return cached ? builder.withCachingEnabled() : builder.withCachingDisabled();
  }

  static Properties properties(String[] arguments) {
    Properties found = new Properties();
    found.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
    found.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments[1]);
    found.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    found.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
    found.put(StreamsConfig.STATE_DIR_CONFIG, arguments[4]);
    found.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
    found.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    found.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 10_000);
    found.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L << 20);
    found.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    found.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 4000);
    found.put(
        StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 2 << 20);
    found.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
    found.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 50);
    found.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 << 10);
    found.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 64L << 20);
    return found;
  }

  static Topology topology(String source, String sink) {
    Topology found = new Topology();
    found.addSource("votes", new ByteArrayDeserializer(), new ByteArrayDeserializer(), source);
    found.addProcessor("decide", Decide::new, "votes");
    // The tallies are cached: one changelog record a proposal and commit. The choices are almost
    // all new keys, for which a cache only costs.
    found.addStateStore(store("choices", false), "decide");
    found.addStateStore(store("tallies", true), "decide");
    found.addSink(
        "decisions", sink, new ByteArraySerializer(), new ByteArraySerializer(),
        (topic, key, value, partitions) -> Optional.of(Set.of((int) ((byte[]) key)[0])), "decide");
    return found;
  }

  public static void main(String[] arguments) throws Exception {
    var streams = new org.apache.kafka.streams.KafkaStreams(
        topology(arguments[2], arguments[3]), properties(arguments));
    CountDownLatch failed = new CountDownLatch(1);
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      failed.countDown();
      return StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    Runtime.getRuntime().addShutdownHook(
        new Thread(() -> streams.close(Duration.ofSeconds(20))));
    streams.start();
    failed.await();
    System.exit(1);
  }
}
