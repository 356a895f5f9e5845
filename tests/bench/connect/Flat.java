import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.transforms.Transformation;

/** An event of the generator, a map, as the flat struct that a JDBC sink needs. */
public class Flat<R extends ConnectRecord<R>> implements Transformation<R> {
	private static final String[] NAMES = {"event_at", "operation", "did", "collection",
		"rkey", "cid", "subject_uri", "subject_did", "langs", "created_at", "text"};
	private static final Schema SCHEMA = schema();

	private static Schema schema() {
		SchemaBuilder builder = SchemaBuilder.struct().name("flat");
		for (String name : NAMES)
			builder.field(name, Schema.OPTIONAL_STRING_SCHEMA);
		return builder.build();
	}

	private static String text(Object value) {
		return value == null ? null : value.toString();
	}

	@Override
	public R apply(R record) {
		Map<?, ?> event = (Map<?, ?>) record.value();
		Map<?, ?> body = event.get("record") instanceof Map<?, ?> m ? m : Map.of();
		String[] path = event.get("path").toString().split("/", 2);
		Object subject = body.get("subject");
		boolean nested = subject instanceof Map;
		Struct flat = new Struct(SCHEMA)
			.put("event_at", text(event.get("timestamp")))
			.put("operation", text(event.get("action")))
			.put("did", text(event.get("repo")))
			.put("collection", path[0])
			.put("rkey", path.length > 1 ? path[1] : null)
			.put("cid", text(event.get("cid")))
			.put("subject_uri", nested ? text(((Map<?, ?>) subject).get("uri")) : null)
			.put("subject_did", nested ? null : text(subject))
			.put("langs", body.get("langs") instanceof List<?> l ? l.toString() : null)
			.put("created_at", text(body.get("createdAt")))
			.put("text", text(body.get("text")));
		return record.newRecord(record.topic(), record.kafkaPartition(), null, null, SCHEMA,
			flat, record.timestamp());
	}

	@Override
	public ConfigDef config() {
		return new ConfigDef();
	}

	@Override
	public void configure(Map<String, ?> settings) {
	}

	@Override
	public void close() {
	}
}
