#include "ingest/kafka_access.h"

#include <string.h>

#include "common/clock.h"

enum { STEP_MS = 250, WHY_BYTES = 512 };

/* --- what was said -------------------------------------------------------- */

void kafka_trouble_init(struct kafka_trouble *trouble)
{
	*trouble = (struct kafka_trouble){.text = BUF_INIT};
	pthread_mutex_init(&trouble->lock, NULL);
}

void kafka_trouble_release(struct kafka_trouble *trouble)
{
	buf_release(&trouble->text);
	pthread_mutex_destroy(&trouble->lock);
}

void kafka_trouble_note(struct kafka_trouble *trouble, int code,
			const char *reason)
{
	if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
		return; /* less than what was said before */
	pthread_mutex_lock(&trouble->lock);
	buf_reset(&trouble->text);
	buf_add_text(&trouble->text, reason);
	trouble->code = (rd_kafka_resp_err_t)code;
	pthread_mutex_unlock(&trouble->lock);
}

/* The user that the brokers see, as far as -X tells. */
static const char *user_of(const struct kafka_settings *settings)
{
	static const char name[] = "sasl.username=";

	for (size_t i = 0; i < settings->property.count; i++)
		if (!strncmp(settings->property.item[i], name, sizeof name - 1))
			return settings->property.item[i] + sizeof name - 1;
	return "ANONYMOUS";
}

/* --- reaching ------------------------------------------------------------- */

/* Sets *err if what was said means that trying again is no use. */
static bool is_refused(struct kafka_trouble *trouble,
		       const struct kafka_settings *settings, struct error *err)
{
	bool refused = true;

	pthread_mutex_lock(&trouble->lock);
	if (trouble->code == RD_KAFKA_RESP_ERR__AUTHENTICATION)
		error_set(err, ERROR_FATAL, STATUS_SOURCE,
			  "Kafka at %s refuses user %s: %s; see -X "
			  "sasl.username, sasl.password.file and "
			  "sasl.mechanism",
			  settings->brokers, user_of(settings),
			  buf_text(&trouble->text));
	else if (trouble->code == RD_KAFKA_RESP_ERR__SSL)
		error_set(err, ERROR_FATAL, STATUS_SOURCE,
			  "no TLS connection to Kafka at %s: %s; see -X "
			  "ssl.ca.location, and that -b names the broker as "
			  "its certificate does",
			  settings->brokers, buf_text(&trouble->text));
	else
		refused = false;
	pthread_mutex_unlock(&trouble->lock);
	return refused;
}

rd_kafka_t *kafka_access_open(rd_kafka_conf_t *conf, struct error *err)
{
	char why[WHY_BYTES];
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);

	if (rk) {
		rd_kafka_poll_set_consumer(rk);
		return rk;
	}
	rd_kafka_conf_destroy(conf);
	error_config(err, "-X: %s", why);
	return NULL;
}

static bool learn_cluster(rd_kafka_t *rk, const char *brokers,
			  int64_t connect_ms, char **cluster, struct error *err)
{
	*cluster = rd_kafka_clusterid(rk, (int)connect_ms);
	if (*cluster)
		return true;
	return error_set(
		err, ERROR_FATAL, STATUS_SOURCE,
		"%s has no cluster id; Kafka 0.10.1 or newer is needed",
		brokers);
}

bool kafka_access_reach(rd_kafka_t *rk, struct kafka_trouble *trouble,
			const struct kafka_settings *settings,
			int64_t connect_ms, char **cluster, struct error *err)
{
	int64_t deadline = clock_ms() + connect_ms;
	rd_kafka_resp_err_t code;

	do {
		const struct rd_kafka_metadata *metadata = NULL;

		code = rd_kafka_metadata(rk, 0, NULL, &metadata, STEP_MS);
		if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
			rd_kafka_metadata_destroy(metadata);
			return learn_cluster(rk, settings->brokers, connect_ms,
					     cluster, err);
		}
		rd_kafka_poll(rk, 0); /* lets the error callback speak */
		if (is_refused(trouble, settings, err))
			return false;
	} while (clock_ms() < deadline);
	pthread_mutex_lock(&trouble->lock);
	error_set(err, ERROR_FATAL, STATUS_SOURCE,
		  "cannot reach Kafka: %s: %s%s%s%s", settings->brokers,
		  rd_kafka_err2str(code), trouble->text.len ? " (" : "",
		  buf_text(&trouble->text), trouble->text.len ? ")" : "");
	pthread_mutex_unlock(&trouble->lock);
	return false;
}

/* --- rights --------------------------------------------------------------- */

static bool deny(const struct kafka_settings *settings, const char *what,
		 const char *name, struct error *err)
{
	const char *user = user_of(settings);

	error_set(err, ERROR_FATAL, STATUS_SOURCE,
		  "user %s may not read %s %s; an administrator grants it: "
		  "kafka-acls --bootstrap-server %s --add --allow-principal "
		  "User:%s --operation Read --%s %s",
		  user, what, name, settings->brokers, user, what, name);
	return true;
}

bool kafka_access_denied(const struct kafka_settings *settings,
			 rd_kafka_resp_err_t code, const char *topic,
			 struct error *err)
{
	if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED && topic)
		return deny(settings, "topic", topic, err);
	if (code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
		return deny(settings, "group", settings->group, err);
	return false;
}
